import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { connectBus, type Bus, type Logger } from '@trivium/bus';
import { messageSubject, parseFilter, parseTopic, topicToTokens, type QoS } from '@trivium/contracts';
import { createDelivery, type Delivery } from '@trivium/delivery';
import { watchContracts } from '@trivium/message-contracts';
import { waitFor } from '@trivium/testing';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { AedesDoor, AedesDoorOptions } from './aedes-door.ts';
import type { AedesConfig } from './config.ts';
import { createAedesDoor } from './create-aedes-door.ts';

export const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const CONFIG: AedesConfig = {
  maxConnections: 1_000,
  connectTimeoutMs: 5_000,
  maxPacketBytes: 262_144,
  maxClientIdBytes: 100,
  maxTopicBytes: 1_000,
  maxTopicLevels: 128,
  maxSubscriptions: 20,
  maxOpenPublishes: 100,
  maxOpenBytes: 1_048_576,
  maxInflight: 100,
  maxOutputBytes: 262_144,
};

export interface FixtureOptions {
  config?: Partial<AedesConfig>;
  /** Something between the door and the bus, or the delivery. */
  bus?: (bus: Bus) => Bus;
  delivery?: (delivery: Delivery) => Delivery;
  door?: Partial<AedesDoorOptions>;
  /** Holds messages to the contracts that are stored. */
  enforcing?: boolean;
}

/** An aedes door on a port of its own, and everything to go with it; disposal ends it all. */
export interface DoorFixture extends AsyncDisposable {
  readonly door: AedesDoor;
  readonly bus: Bus;
  readonly port: number;
  /** A client that has its CONNACK. */
  connect(options?: IClientOptions): Promise<TestClient>;
}

export interface TestClient {
  readonly mqtt: MqttClient;
  /** What came, as `topic payload q<qos>`. */
  readonly seen: string[];
}

export async function startDoor(natsUrl: string, options: FixtureOptions = {}): Promise<DoorFixture> {
  const real = await connectBus({
    config: { url: natsUrl, name: 'aedes', publishTimeoutMs: 2_000 },
    logger: quiet,
  });
  const bus = options.bus?.(real) ?? real;
  const plain = createDelivery({ bus: real, logger: quiet });
  const delivery = options.delivery?.(plain) ?? plain;
  const contracts = options.enforcing === true ? watchContracts({ bus: real, logger: quiet }) : undefined;
  await contracts?.ready;
  const door = await createAedesDoor({
    bus,
    delivery,
    config: { ...CONFIG, ...options.config },
    logger: quiet,
    info: { service: 'mqtt-ingress' },
    ...(contracts === undefined ? {} : { contracts }),
    ...options.door,
  });
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) =>
    door.accept(socket, { address: socket.remoteAddress ?? '', kind: 'tcp', loopback: true }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clients: MqttClient[] = [];

  return {
    door,
    bus: real,
    port,
    async connect(clientOptions) {
      const client = mqtt.connect({ host: '127.0.0.1', port, reconnectPeriod: 0, ...clientOptions });
      clients.push(client);
      const seen: string[] = [];
      client.on('message', (topic, payload, { qos }) => seen.push(`${topic} ${payload.toString()} q${qos}`));
      client.on('error', () => undefined);
      await waitFor(() => client.connected, { message: 'CONNACK' });
      return { mqtt: client, seen };
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.end(true);
      server.close();
      await door.drain({ signal: AbortSignal.timeout(500), graceMs: 500 });
      contracts?.close();
      delivery.close();
      await real.close();
    },
  };
}

/** The other side of the hub: a plain bus and delivery, as any other door has them. */
export interface OtherDoor extends AsyncDisposable {
  readonly bus: Bus;
  publish(topic: string, payload: string, qos: QoS): Promise<void>;
  /** Everything on a filter, as `topic payload q<qos>`. */
  collect(filter: string): Promise<string[]>;
}

export async function startOtherDoor(natsUrl: string): Promise<OtherDoor> {
  const bus = await connectBus({ config: { url: natsUrl, name: 'other' }, logger: quiet });
  const delivery = createDelivery({ bus, logger: quiet });
  return {
    bus,
    async publish(topic, payload, qos) {
      const parsed = parseTopic(topic);
      if (!parsed.ok) throw new Error(parsed.error.message);
      const subject = messageSubject(qos, 'other', topicToTokens(parsed.value));
      if (qos > 0) await bus.publisher.store(subject, Buffer.from(payload));
      else bus.publisher.live(subject, Buffer.from(payload));
    },
    async collect(raw) {
      const filter = parseFilter(raw);
      if (!filter.ok) throw new Error(filter.error.message);
      const seen: string[] = [];
      const note = (message: { topic: string; payload: Uint8Array; qos: QoS }): void => {
        seen.push(`${message.topic} ${Buffer.from(message.payload).toString()} q${message.qos}`);
      };
      const attachment = delivery.attach({
        id: 'other',
        onLive: note,
        onDurable: (message) => (note(message), true),
      });
      await attachment.subscribe([{ filter: filter.value, qos: 1 }]);
      return seen;
    },
    async [Symbol.asyncDispose]() {
      delivery.close();
      await bus.close();
    },
  };
}
