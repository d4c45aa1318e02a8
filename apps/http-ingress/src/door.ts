import { randomUUID } from 'node:crypto';
import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { refuse } from '@trivium/contracts';
import type { Bus, Logger } from '@trivium/bus';
import { createCommandCaller, createCommandDesk, createCommandStore } from '@trivium/commands';
import type { Delivery } from '@trivium/delivery';
import { parseTraceparent, type MessageTracing } from '@trivium/telemetry';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { systemClock, type Clock } from './clock.ts';
import type { HttpConfig } from './config.ts';
import { allowOrigins } from './cors.ts';
import { createCommanding } from './commanding.ts';
import { createDeviceDirectory } from './device-directory.ts';
import { createDeviceRegistry } from './device-registry.ts';
import { createEventFrames } from './event-frames.ts';
import { createEventStreams } from './event-streams.ts';
import { refuseMalformed } from './malformed.ts';
import { describeApi } from './openapi.ts';
import { createPollingDevices } from './polling-devices.ts';
import { createErrorHandler, sendProblem } from './problem.ts';
import { createPublishing } from './publishing.ts';
import { createRetainedMessages } from './retained-messages.ts';
import { command } from './routes/command.ts';
import { commandStatus } from './routes/command-status.ts';
import { device } from './routes/device.ts';
import { devices } from './routes/devices.ts';
import { myCommands } from './routes/my-commands.ts';
import { publishMessages } from './routes/publish-messages.ts';
import { publishTopic } from './routes/publish-topic.ts';
import { retainedMessage } from './routes/retained-message.ts';
import { retainedMessages } from './routes/retained-messages.ts';
import { stream } from './routes/stream.ts';
import { createStats, type HttpStats } from './stats.ts';
import { createWriteTurn } from './write-turn.ts';

export interface HttpDoorOptions {
  bus: Bus;
  delivery: Delivery;
  config: HttpConfig;
  tracing: MessageTracing;
  logger: Logger;
  /** The service's name, for connection events. */
  service: string;
  /** Of the API description. */
  version: string;
  clock?: Clock;
  /** From 0 to 1. */
  random?: () => number;
}

export interface HttpDoor {
  /** Listens when it is told to. */
  readonly server: Server;
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
/** Room for the longest topic, percent-encoded throughout, and ordinary headers. */
const MAX_HEADER_BYTES = 65_536;
/** A client id, percent-encoded throughout. */
const ENCODED = 3;

/** The HTTP door. */
export async function createHttpDoor(options: HttpDoorOptions): Promise<HttpDoor> {
  const {
    bus,
    delivery,
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
  const handleError = createErrorHandler(logger);
  /** The last answer of a connection. */
  const answers = new WeakMap<Duplex, ServerResponse>();
  let draining = false;

  const begin = (request: FastifyRequest, reply: FastifyReply): void => {
    stats.requests++;
    answers.set(request.raw.socket, reply.raw);
    const { traceparent } = request.headers;
    const parent = typeof traceparent === 'string' ? parseTraceparent(traceparent) : undefined;
    request.traceId = parent?.traceId ?? request.id.replaceAll('-', '');
    reply.header('x-request-id', request.id);
  };

  const app = fastify({
    logger: false,
    bodyLimit: config.maxBodyBytes,
    requestTimeout: config.requestTimeoutMs,
    keepAliveTimeout: config.keepAliveTimeoutMs,
    exposeHeadRoutes: false,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: config.requestTimeoutMs,
      connectionsCheckingInterval: 2_000,
    },
    routerOptions: { maxParamLength: ENCODED * config.maxClientIdBytes },
    genReqId: () => randomUUID(),
    frameworkErrors(error, request, reply) {
      begin(request, reply);
      handleError(error, request, reply);
    },
    clientErrorHandler: (error, socket) => refuseMalformed(socket, error.code, answers.get(socket)),
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.decorateRequest('bodyType', undefined);
  app.decorateRequest('traceId', '');
  app.setErrorHandler(handleError);
  app.setNotFoundHandler((request, reply) => {
    const message = `there is no ${request.method} ${request.url.split('?', 1)[0]}; see /docs`;
    return sendProblem(request, reply, refuse('not-found', message).error);
  });
  app.addHook('onRequest', (request, reply, done) => {
    begin(request, reply);
    if (!draining) return done();
    reply.header('connection', 'close');
    void sendProblem(request, reply, refuse('server.draining', 'this process is shutting down').error);
  });
  app.addHook('onResponse', (_request, reply, done) => {
    const answers = `${Math.trunc(reply.statusCode / 100)}xx`;
    stats.answers[answers] = (stats.answers[answers] ?? 0) + 1;
    done();
  });
  allowOrigins(app, config.origins);

  await describeApi(app, version);
  const publishing = createPublishing({ bus, tracing, stats });
  publishTopic(app, { publishing, limits, maxClientIdBytes: config.maxClientIdBytes, clock });
  const turn = createWriteTurn();
  publishMessages(app, { publishing, bus, turn, config, limits, clock });
  const retained = createRetainedMessages(bus, clock.now);
  retainedMessage(app, { retained, limits });
  retainedMessages(app, { retained });
  const surroundings = { frames: createEventFrames(tracing), turn, clock, stats, config };
  stream(app, { delivery, streams, surroundings, stats, config, limits });
  const bucket = bus.bucket('devices');
  const directory = createDeviceDirectory(bus, bucket, logger);
  const registry = createDeviceRegistry(bucket, directory, clock.now);
  devices(app, { directory });
  device(app, { directory, registry, maxClientIdBytes: config.maxClientIdBytes });
  const desk = createCommandDesk(bus, clock.now);
  const caller = createCommandCaller(bus, clock.now);
  const commanding = createCommanding(caller, createCommandStore(bus, clock.now), clock);
  const polling = createPollingDevices({
    ...{ bus, desk, clock, service, graceMs: config.pollGraceMs, maxDevices: config.maxPollingDevices },
  });
  command(app, { commanding });
  commandStatus(app, { commanding });
  myCommands(app, { polling, maxClientIdBytes: config.maxClientIdBytes });
  await app.ready();

  const { server } = app;
  const stopTicking = clock.every(TICK_MS, () => {
    streams.tick(clock.now());
    polling.tick(clock.now());
  });
  return {
    server,
    stats,
    get pollingDevices() {
      return polling.size;
    },
    get waitingCommands() {
      return polling.waiting;
    },
    stopAccepting() {
      draining = true;
      server.close();
      server.closeIdleConnections();
    },
    async drain(context) {
      const cut = (): void => server.closeAllConnections();
      context.signal.addEventListener('abort', cut);
      polling.close();
      await streams.drain(context);
      server.closeIdleConnections();
      if (context.signal.aborted) cut();
      await app.close();
      context.signal.removeEventListener('abort', cut);
      directory.close();
      stopTicking();
      caller.close();
      desk.close();
    },
  };
}
