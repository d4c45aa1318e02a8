import { once } from 'node:events';
import { connectBus, type Bus } from '@trivium/bus';
import { createCommandCaller, createCommandDesk, type CommandDesk } from '@trivium/commands';
import { DEFAULT_TOPIC_LIMITS } from '@trivium/contracts';
import { createDelivery, type Delivery } from '@trivium/delivery';
import { authSection, createAudit, createIdentity, type AuthConfig, type Identity } from '@trivium/identity';
import { NO_LIMITS, type LimitsConfig } from '@trivium/limits';
import { createMqttDoor, mqttSection } from '@trivium/mqtt';
import { watchContracts } from '@trivium/message-contracts';
import { listen } from '@trivium/service';
import type { MessageTracing } from '@trivium/telemetry';
import { waitFor } from '@trivium/testing';
import { Value } from 'typebox/value';
import { WebSocket, type ClientOptions } from 'ws';
import { wsSection, type WsConfig } from './config.ts';
import { createWsDoor, type WsDoor, type WsDoorOptions } from './door.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const NO_TRACING: MessageTracing = { enabled: false, receive: () => undefined, deliver: () => undefined };

export interface DoorUnderTest extends AsyncDisposable {
  readonly door: WsDoor;
  readonly bus: Bus;
  readonly delivery: Delivery;
  readonly desk: CommandDesk;
  readonly identity: Identity | undefined;
  readonly port: number;
  readonly url: string;
}

export interface DoorSettings {
  config?: Partial<WsConfig>;
  tracing?: MessageTracing;
  /** Instead of the real bus to the door (not to delivery). */
  bus?: (real: Bus) => WsDoorOptions['bus'];
  /** Holds messages to the contracts that are stored. */
  enforcing?: boolean;
  /** Clients are who they prove to be, and do what they may; without it everybody may everything. */
  auth?: Partial<AuthConfig>;
  limits?: Partial<LimitsConfig>;
  clock?: NonNullable<WsDoorOptions['clock']>;
  mayServe?: () => boolean;
}

/** A whole door on a free port of 127.0.0.1, joined to a real NATS. */
export async function startDoor(natsUrl: string, settings: DoorSettings = {}): Promise<DoorUnderTest> {
  const bus = await connectBus({ config: { url: natsUrl, name: 'ws under test' }, logger: quiet });
  const delivery = createDelivery({ bus, logger: quiet });
  const desk = createCommandDesk(bus);
  const caller = createCommandCaller(bus);
  const contracts = settings.enforcing === true ? watchContracts({ bus, logger: quiet }) : undefined;
  await contracts?.ready;
  const identity =
    settings.auth === undefined
      ? undefined
      : createIdentity({
          ...{ bus, logger: quiet, service: 'ws', allowAnonymous: false },
          config: { ...Value.Create(authSection), ...settings.auth },
        });
  await identity?.ready;
  const tracing = settings.tracing ?? NO_TRACING;
  const mqttConfig = Value.Create(mqttSection);
  const door = createWsDoor({
    bus: settings.bus?.(bus) ?? bus,
    delivery,
    desk,
    caller,
    mqtt: createMqttDoor({
      bus,
      delivery,
      desk,
      config: mqttConfig,
      logger: quiet,
      info: { service: 'ws' },
      ...(identity === undefined ? {} : { identity }),
      tracing,
    }),
    config: { ...Value.Create(wsSection), ...settings.config },
    topics: DEFAULT_TOPIC_LIMITS,
    maxClientIdBytes: mqttConfig.maxClientIdBytes,
    tracing,
    logger: quiet,
    service: 'ws',
    limits: { ...NO_LIMITS, ...settings.limits },
    audit: createAudit({ bus, service: 'ws' }),
    ...(contracts === undefined ? {} : { contracts }),
    ...(identity === undefined ? {} : { identity }),
    ...(settings.clock === undefined ? {} : { clock: settings.clock }),
    ...(settings.mayServe === undefined ? {} : { mayServe: settings.mayServe }),
  });
  const port = await listen(door.server, {
    host: '127.0.0.1',
    port: 0,
    what: 'WebSocket',
    setting: 'ws.port',
  });
  return {
    door,
    bus,
    delivery,
    desk,
    identity,
    port,
    url: `ws://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      door.stopAccepting();
      await door.drain({ signal: AbortSignal.abort(), graceMs: 0 });
      contracts?.close();
      identity?.close();
      delivery.close();
      desk.close();
      caller.close();
      await bus.close();
    },
  };
}

type Json = Record<string, unknown>;

/** A client of `trivium.v1` as anybody might write it. */
export interface JsonClient extends AsyncDisposable {
  readonly ws: WebSocket;
  /** Everything received, oldest first. */
  readonly frames: Json[];
  readonly closed: { code: number; reason: string } | undefined;
  /** Sends text, or an object as JSON. */
  send(frame: string | Json): void;
  /** Sends a frame with a fresh id and resolves to the answer with that id. */
  ask(frame: Json): Promise<Json>;
  /** The first frame received that has all these members. */
  seen(members: Json): Promise<Json>;
  /** Payloads of the messages received. */
  payloads(): unknown[];
  closing(): Promise<{ code: number; reason: string }>;
}

export async function connect(url: string, options: ClientOptions = {}): Promise<JsonClient> {
  const ws = new WebSocket(url, 'trivium.v1', options);
  const frames: Json[] = [];
  let closed: { code: number; reason: string } | undefined;
  let ids = 0;
  ws.on('message', (data: Buffer) => void frames.push(JSON.parse(data.toString()) as Json));
  ws.on('close', (code, reason) => (closed = { code, reason: reason.toString() }));
  await once(ws, 'open');
  const send = (frame: string | Json): void =>
    ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  const seen = (members: Json): Promise<Json> =>
    waitFor(
      () => frames.find((frame) => Object.entries(members).every(([name, value]) => frame[name] === value)),
      { message: () => `${JSON.stringify(members)} among ${JSON.stringify(frames.slice(-5))}` },
    );
  return {
    ws,
    frames,
    get closed() {
      return closed;
    },
    send,
    async ask(frame) {
      const id = `test ${++ids}`;
      send({ ...frame, id });
      return seen({ id });
    },
    seen,
    payloads: () => frames.filter((frame) => frame['op'] === 'msg').map((frame) => frame['payload']),
    closing: () => waitFor(() => closed),
    async [Symbol.asyncDispose]() {
      ws.on('error', () => undefined);
      ws.terminate();
      await waitFor(() => closed);
    },
  };
}
