import { connectBus, type Bus } from '@trivium/bus';
import { createDelivery, type Delivery } from '@trivium/delivery';
import { authSection, createAudit, createIdentity, type AuthConfig } from '@trivium/identity';
import { NO_LIMITS, type LimitsConfig } from '@trivium/limits';
import { createArrivals, listenerSections } from '@trivium/listener';
import { watchContracts } from '@trivium/message-contracts';
import { listen } from '@trivium/service';
import type { MessageTracing } from '@trivium/telemetry';
import { openDoorTls, type TlsConfig } from '@trivium/tls';
import { waitFor } from '@trivium/testing';
import { Value } from 'typebox/value';
import { httpSection, type HttpConfig } from './config.ts';
import service from '../package.json' with { type: 'json' };
import { describedSite } from './described-site.ts';
import { createHttpDoor, type HttpDoor, type HttpDoorOptions } from './door.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const NO_TRACING: MessageTracing = { enabled: false, receive: () => undefined, deliver: () => undefined };

export interface DoorUnderTest extends AsyncDisposable {
  readonly door: HttpDoor;
  readonly bus: Bus;
  readonly delivery: Delivery;
  readonly port: number;
  readonly url: string;
  /** Of HTTPS; 0 without a certificate. */
  readonly tlsPort: number;
}

export interface DoorSettings {
  config?: Partial<HttpConfig>;
  tls?: Partial<TlsConfig>;
  proxySources?: string[];
  tracing?: MessageTracing;
  logger?: HttpDoorOptions['logger'];
  /** Holds messages to the contracts that are stored. */
  enforcing?: boolean;
  /** Callers are who they prove to be, and do what they may; without it everybody may everything. */
  auth?: Partial<AuthConfig>;
  limits?: Partial<LimitsConfig>;
  clock?: NonNullable<HttpDoorOptions['clock']>;
}

/** A whole door on a free port of 127.0.0.1, joined to a real NATS. */
export async function startDoor(natsUrl: string, settings: DoorSettings = {}): Promise<DoorUnderTest> {
  const bus = await connectBus({ config: { url: natsUrl, name: 'http under test' }, logger: quiet });
  const delivery = createDelivery({ bus, logger: quiet });
  const contracts = settings.enforcing === true ? watchContracts({ bus, logger: quiet }) : undefined;
  await contracts?.ready;
  const identity =
    settings.auth === undefined
      ? undefined
      : createIdentity({
          ...{ bus, logger: quiet, service: 'http-ingress', allowAnonymous: false },
          config: { ...Value.Create(authSection), ...settings.auth },
        });
  await identity?.ready;
  const config = { ...Value.Create(httpSection), ...settings.config };
  const logger = settings.logger ?? quiet;
  const { clock } = settings;
  const tlsConfig = { ...Value.Create(listenerSections.tls), ...settings.tls };
  const tls = openDoorTls({
    ...{ door: config, tls: tlsConfig, logger },
    nowMs: clock?.now() ?? Date.now(),
  });
  const arrivals = createArrivals({
    proxy: { sources: settings.proxySources ?? [] },
    limits: { ...Value.Create(listenerSections.limits), ...settings.limits },
    ...{ handshakeTimeoutMs: config.headersTimeoutMs, logger, ...(clock === undefined ? {} : { clock }) },
  });
  const door = await createHttpDoor({
    bus,
    delivery,
    arrivals,
    tls,
    config,
    tracing: settings.tracing ?? NO_TRACING,
    logger,
    service: 'http-ingress',
    version: service.version,
    site: describedSite({ auth: { required: settings.auth?.required === true }, tls: tlsConfig }),
    limits: { ...NO_LIMITS, ...settings.limits },
    audit: createAudit({ bus, service: 'http-ingress' }),
    ...(contracts === undefined ? {} : { contracts }),
    ...(identity === undefined ? {} : { identity }),
    ...(clock === undefined ? {} : { clock }),
  });
  const port = await listen(door.server, { host: '127.0.0.1', port: 0, what: 'HTTP', setting: 'http.port' });
  const tlsPort =
    door.tlsServer === undefined
      ? 0
      : await listen(door.tlsServer, { host: '127.0.0.1', port: 0, what: 'HTTPS', setting: 'http.tlsPort' });
  return {
    door,
    bus,
    delivery,
    port,
    url: `http://127.0.0.1:${port}`,
    tlsPort,
    async [Symbol.asyncDispose]() {
      door.stopAccepting();
      await door.drain({ signal: AbortSignal.abort(), graceMs: 0 });
      contracts?.close();
      identity?.close();
      delivery.close();
      await bus.close();
    },
  };
}

type Json = Record<string, unknown>;

/** One block of an event stream, as the wire has it. */
export interface RawEvent {
  readonly event: string | undefined;
  readonly id: string | undefined;
  readonly retry: string | undefined;
  readonly comment: string | undefined;
  readonly data: Json | undefined;
}

/** A reader of an event stream that sees everything on the wire. */
export interface StreamReader extends AsyncDisposable {
  readonly response: Response;
  readonly events: readonly RawEvent[];
  readonly ended: boolean;
  /** Stops reading, so that what follows fills the buffers. */
  pause(): void;
  resume(): void;
  /** The first event received whose data has all these members. */
  seen(members: Json): Promise<RawEvent>;
  payloads(): unknown[];
}

/** Opens a stream; `fetch` resolves with the headers, so nothing published from then on may be missed. */
export async function openStream(url: string, headers: Record<string, string> = {}): Promise<StreamReader> {
  const abort = new AbortController();
  const response = await fetch(url, { headers, signal: abort.signal });
  const events: RawEvent[] = [];
  let ended = false;
  let paused: Promise<void> | undefined;
  let unpause = (): void => undefined;

  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      events.push(...blocks.map(parseBlock));
      await paused;
    }
  };
  const reading = read()
    .catch(() => undefined)
    .finally(() => (ended = true));

  return {
    response,
    events,
    get ended() {
      return ended;
    },
    pause: () => void (paused = new Promise((resolve) => (unpause = resolve))),
    resume() {
      paused = undefined;
      unpause();
    },
    seen: (members) =>
      waitFor(
        () =>
          events.find(
            ({ data }) => data && Object.entries(members).every(([name, value]) => data[name] === value),
          ),
        { message: () => `${JSON.stringify(members)} among ${JSON.stringify(events.slice(-5))}` },
      ),
    payloads: () => events.filter(({ event }) => event === 'message').map(({ data }) => data?.['payload']),
    async [Symbol.asyncDispose]() {
      unpause();
      abort.abort();
      await reading;
    },
  };
}

function parseBlock(block: string): RawEvent {
  const lines = block.split('\n');
  const all = (field: string): string[] =>
    lines.filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 2));
  const data = all('data');
  return {
    event: all('event')[0],
    id: all('id')[0],
    retry: all('retry')[0],
    comment: all('')[0],
    data: data.length === 0 ? undefined : (JSON.parse(data.join('\n')) as Json),
  };
}
