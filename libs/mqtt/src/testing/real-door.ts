import { once, type EventEmitter } from 'node:events';
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from 'node:net';
import { connectBus, type Bus, type Logger } from '@trivium/bus';
import { createDelivery } from '@trivium/delivery';
import { OPEN_IDENTITY, type Identity } from '@trivium/identity';
import { NO_LIMITS, type LimitsConfig } from '@trivium/limits';
import { watchContracts } from '@trivium/message-contracts';
import { waitFor } from '@trivium/testing';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { MqttConfig } from '../config.ts';
import { createMqttDoor } from '../create-mqtt-door.ts';
import type { MqttDoor } from '../mqtt-door.ts';
import { createTcpTransport } from '../tcp-transport.ts';
import { DEFAULTS } from './door-under-test.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A door with a TCP port of its own, on a real bus. Disposal ends it and everything connected to it. */
export interface RealDoor extends AsyncDisposable {
  readonly door: MqttDoor;
  readonly bus: Bus;
  readonly port: number;
  /** An MQTT.js client that has its CONNACK. */
  client(options?: IClientOptions): Promise<TestClient>;
  /** A bare socket. */
  socket(): Promise<RawClient>;
}

export interface TestClient {
  readonly mqtt: MqttClient;
  /** What came: `topic payload q<qos>`. */
  readonly seen: string[];
  readonly closed: Promise<unknown>;
}

export interface RawClient {
  readonly socket: Socket;
  /** Everything received, as hex. */
  received(): string;
  send(...packets: Buffer[]): void;
  /** Resolves when the door has closed the connection. */
  readonly closed: Promise<unknown>;
}

/** `enforcing`: the contracts that are stored when it begins, and their changes. */
export async function realDoor(
  natsUrl: string,
  settings: Partial<MqttConfig> = {},
  identity: Identity = OPEN_IDENTITY,
  { enforcing = false, limits = NO_LIMITS }: { enforcing?: boolean; limits?: LimitsConfig } = {},
): Promise<RealDoor> {
  const bus = await connectBus({
    config: { url: natsUrl, name: 'mqtt', publishTimeoutMs: 2_000 },
    logger: quiet,
  });
  const delivery = createDelivery({ bus, logger: quiet });
  const info = { service: 'mqtt-ingress' };
  // On a busy machine a living owner of a client id may take longer to answer than CONNACK usually waits.
  const config = { ...DEFAULTS, takeoverTimeoutMs: 10_000, ...settings };
  const contracts = enforcing ? watchContracts({ bus, logger: quiet }) : undefined;
  await contracts?.ready;
  const parts = { bus, delivery, config, logger: quiet, info, identity, limits };
  const door = createMqttDoor(contracts === undefined ? parts : { ...parts, contracts });
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    door.accept(createTcpTransport(socket), { address: '127.0.0.1', kind: 'tcp', loopback: true }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clients: MqttClient[] = [];
  const sockets: Socket[] = [];

  return {
    door,
    bus,
    port,
    async client(options) {
      const client = mqtt.connect({ host: '127.0.0.1', port, reconnectPeriod: 0, ...options });
      clients.push(client);
      const seen: string[] = [];
      client.on('message', (topic, payload, { qos }) => seen.push(`${topic} ${payload.toString()} q${qos}`));
      client.on('error', () => {});
      const emitter = client as unknown as EventEmitter;
      const closed = once(emitter, 'close');
      await Promise.race([once(emitter, 'connect'), closed.then(() => Promise.reject(new Error('refused')))]);
      return { mqtt: client, seen, closed };
    },
    async socket() {
      const socket = connectSocket(port, '127.0.0.1');
      sockets.push(socket);
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('error', () => {});
      const closed = once(socket, 'close');
      await once(socket, 'connect');
      return {
        socket,
        received: () => Buffer.concat(chunks).toString('hex'),
        send: (...packets) => void socket.write(Buffer.concat(packets)),
        closed,
      };
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.end(true);
      for (const socket of sockets) socket.destroy();
      const abort = new AbortController();
      abort.abort();
      await door.drain({ signal: abort.signal, graceMs: 0 });
      server.close();
      contracts?.close();
      delivery.close();
      await bus.close();
    },
  };
}

/** Waits until `seen` has so many entries. */
export function arrived(seen: readonly string[], count: number): Promise<void> {
  return waitFor(() => seen.length >= count, {
    message: () => `${count} messages, there are ${seen.length}`,
  }).then(() => {});
}
