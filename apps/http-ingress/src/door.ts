import type { Server } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import type { Bus, Logger } from '@trivium/bus';
import { createCommandCaller, createCommandDesk, createCommandStore } from '@trivium/commands';
import type { Delivery } from '@trivium/delivery';
import { OPEN_IDENTITY, type Audit, type Identity } from '@trivium/identity';
import {
  createKeyedRates,
  createMessageRates,
  createPrincipalGate,
  NO_LIMITS,
  type LimitsConfig,
} from '@trivium/limits';
import type { Arrivals } from '@trivium/listener';
import {
  NO_CONTRACTS,
  PLAIN_SITE,
  type DescribedSite,
  type MessageContracts,
} from '@trivium/message-contracts';
import { isLoopback } from '@trivium/service';
import type { MessageTracing } from '@trivium/telemetry';
import type { DoorTls } from '@trivium/tls';
import { describeMessages } from './asyncapi.ts';
import { systemClock, type Clock } from '@trivium/clock';
import type { HttpConfig } from './config.ts';
import { createCommanding } from './commanding.ts';
import { createApp } from './create-app.ts';
import { createDeviceDirectory } from './device-directory.ts';
import { createDeviceRegistry } from './device-registry.ts';
import { createEventFrames } from './event-frames.ts';
import { createEventStreams } from './event-streams.ts';
import { createKnownAccess } from './known-access.ts';
import { describeApi } from './openapi.ts';
import { createPollingDevices } from './polling-devices.ts';
import { createPublishing } from './publishing.ts';
import { createRetainedMessages } from './retained-messages.ts';
import { command } from './routes/command.ts';
import { commandStatus } from './routes/command-status.ts';
import { device } from './routes/device.ts';
import { devices } from './routes/devices.ts';
import { explainRoute } from './routes/explain.ts';
import { myCommands } from './routes/my-commands.ts';
import { publishMessages } from './routes/publish-messages.ts';
import { publishTopic } from './routes/publish-topic.ts';
import { retainedMessage } from './routes/retained-message.ts';
import { retainedMessages } from './routes/retained-messages.ts';
import { stream } from './routes/stream.ts';
import { createStats, type HttpStats } from './stats.ts';
import { createTlsListener } from './tls-listener.ts';
import { tooMany } from './too-many.ts';
import { createWriteTurn } from './write-turn.ts';

export interface HttpDoorOptions {
  bus: Bus;
  delivery: Delivery;
  /** What the site expects of messages; nothing unless given. */
  contracts?: MessageContracts;
  /** Who may call, and do what; everybody everything unless given. */
  identity?: Identity;
  /** Commands are written down there; nowhere unless given. */
  audit?: Audit;
  config: HttpConfig;
  /** How much callers may publish, and how many streams they may have; no limit unless given. */
  limits?: LimitsConfig;
  /** What connections pass before they are served; nothing unless given. */
  arrivals?: Arrivals;
  /** HTTPS is open when it is given. */
  tls?: DoorTls | undefined;
  tracing: MessageTracing;
  logger: Logger;
  /** The service's name, for connection events. */
  service: string;
  /** Of the API description. */
  version: string;
  /** What the descriptions say of the site, beside whether HTTPS is open here; nothing unless given. */
  site?: DescribedSite;
  clock?: Clock;
  /** From 0 to 1. */
  random?: () => number;
}

const NO_AUDIT: Audit = { write: () => true };

export interface HttpDoor {
  /** Listens when it is told to. */
  readonly server: Server;
  /** HTTPS, the same API over HTTP/2 and HTTP/1.1: when there is a certificate. Listens when it is told to. */
  readonly tlsServer: Http2SecureServer | undefined;
  readonly stats: Readonly<HttpStats>;
  /** Devices that ask for their commands here. */
  readonly pollingDevices: number;
  /** Commands that wait for one of them to ask. */
  readonly waitingCommands: number;
  /** No new connections; requests on those that are open are refused from now on. */
  stopAccepting(): void;
  /**
   * Ends the event streams, spread over a part of `graceMs`, and lets requests finish; past `signal` all are cut off. Resolves when
   * every connection is gone.
   */
  drain(context: { signal: AbortSignal; graceMs: number }): Promise<void>;
}

const TICK_MS = 1_000;

/** The HTTP door. */
export async function createHttpDoor(options: HttpDoorOptions): Promise<HttpDoor> {
  const {
    bus,
    delivery,
    contracts = NO_CONTRACTS,
    identity = OPEN_IDENTITY,
    audit = NO_AUDIT,
    config,
    tracing,
    logger,
    service,
    version,
    clock = systemClock,
    random = Math.random,
  } = options;
  const stats = createStats();
  const limits = { maxTopicBytes: config.maxTopicBytes, maxTopicLevels: config.maxTopicLevels };
  const streams = createEventStreams({ retryMs: config.retryMs, random });
  const rates =
    config.maxRequestsPerSecond === 0
      ? undefined
      : createKeyedRates({ perSecond: config.maxRequestsPerSecond });
  let draining = false;
  const { maxClientIdBytes } = config;
  const messageRates = createMessageRates(options.limits ?? NO_LIMITS);
  const gate = createPrincipalGate({ max: (options.limits ?? NO_LIMITS).connectionsPerPrincipal });
  const known = createKnownAccess(identity, clock);
  const callers = {
    ...{ identity, known, maxClientIdBytes, loopback: isLoopback(config.host) },
    ...{ clock, rates: messageRates, stats },
  };
  const app = createApp({ config, logger, stats, clock, rates, callers, isDraining: () => draining });

  const { site = PLAIN_SITE } = options;
  const described = { ...site, tls: { ...site.tls, http: options.tls !== undefined } };
  await describeApi(app, { version, site: described, tlsPort: config.tlsPort });
  describeMessages(app, contracts, version, described);
  const publishing = createPublishing({ bus, contracts, tracing, stats });
  publishTopic(app, { publishing, limits, clock });
  const turn = createWriteTurn();
  publishMessages(app, { publishing, bus, turn, config, limits, clock });
  const retained = createRetainedMessages(bus, clock.now);
  retainedMessage(app, { retained, limits });
  retainedMessages(app, { retained });
  const surroundings = { frames: createEventFrames(tracing), turn, clock, stats, config };
  stream(app, { delivery, streams, gate, surroundings, stats, config, limits });
  const bucket = bus.bucket('devices');
  const directory = createDeviceDirectory(bus, bucket, logger);
  const registry = createDeviceRegistry(bucket, directory, clock.now);
  devices(app, { directory });
  device(app, { directory, registry, maxClientIdBytes });
  explainRoute(app, { bus, limits, clock });
  const desk = createCommandDesk(bus, clock.now);
  const caller = createCommandCaller(bus, clock.now);
  const commanding = createCommanding(caller, createCommandStore(bus, clock.now), clock);
  const polling = createPollingDevices({
    ...{ bus, desk, clock, service, graceMs: config.pollGraceMs, maxDevices: config.maxPollingDevices },
  });
  command(app, { commanding, audit, limits, clock });
  commandStatus(app, { commanding });
  myCommands(app, { polling });
  await app.ready();

  const { server } = app;
  const tls =
    options.tls === undefined ? undefined : createTlsListener({ app, config, tls: options.tls, clock });
  options.arrivals?.guard(server, { answer: tooMany });
  if (tls !== undefined) options.arrivals?.guard(tls.server, { tls: options.tls });
  const stopTicking = clock.every(TICK_MS, () => {
    streams.tick(clock.now());
    polling.tick(clock.now());
    rates?.tick(clock.now());
    messageRates?.tick(clock.now());
    tls?.tick(clock.now());
  });
  return {
    server,
    tlsServer: tls?.server,
    stats,
    get pollingDevices() {
      return polling.size;
    },
    get waitingCommands() {
      return polling.waiting;
    },
    stopAccepting() {
      draining = true;
      options.arrivals?.close();
      server.close();
      server.closeIdleConnections();
      tls?.stopAccepting();
    },
    async drain(context) {
      const cut = (): void => {
        server.closeAllConnections();
        tls?.closeAllConnections();
      };
      context.signal.addEventListener('abort', cut);
      polling.close();
      await streams.drain(context);
      server.closeIdleConnections();
      if (context.signal.aborted) cut();
      await Promise.all([app.close(), tls?.closed]);
      context.signal.removeEventListener('abort', cut);
      directory.close();
      stopTicking();
      caller.close();
      desk.close();
    },
  };
}
