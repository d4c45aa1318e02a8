import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { refuse, type PublicError } from '@trivium/contracts';
import type { Logger } from '@trivium/bus';
import type { KeyedRates } from '@trivium/limits';
import { parseTraceparent } from '@trivium/telemetry';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { watchMethods } from './allowed-methods.ts';
import type { App } from './app.ts';
import type { CallerOptions } from './caller.ts';
import type { Clock } from '@trivium/clock';
import type { HttpConfig } from './config.ts';
import { connectionLimits } from './connection-limits.ts';
import { allowOrigins } from './cors.ts';
import { isCutOff } from './hang-up.ts';
import { identifyCallers } from './identify.ts';
import { refuseMalformed } from './malformed.ts';
import { createErrorHandler, sendProblem } from './problem.ts';
import { requestIdOf } from './request-id.ts';
import type { HttpStats } from './stats.ts';

export interface AppOptions {
  config: HttpConfig;
  logger: Logger;
  stats: HttpStats;
  clock: Clock;
  /** Undefined: clients may ask as often as they like. */
  rates: KeyedRates | undefined;
  callers: CallerOptions;
  isDraining(): boolean;
}

/** A client id in an address, percent-encoded throughout. */
const ENCODED = 3;

/** What holds for every request, whatever its route: limits, ids, and problems as the answer to all that fails. */
export function createApp({ config, logger, stats, clock, rates, callers, isDraining }: AppOptions): App {
  const handleError = createErrorHandler(logger);
  /** The last answer of a connection of HTTP/1.1. */
  const answers = new WeakMap<Duplex, ServerResponse>();

  const begin = (request: FastifyRequest, reply: FastifyReply): void => {
    stats.requests++;
    if (request.raw.httpVersionMajor === 1) answers.set(request.raw.socket, reply.raw);
    const { traceparent, 'x-request-id': given } = request.headers;
    const parent = typeof traceparent === 'string' ? parseTraceparent(traceparent) : undefined;
    const id = request.id === given ? randomUUID() : request.id;
    request.traceId = parent?.traceId ?? id.replaceAll('-', '');
    reply.header('x-request-id', request.id);
  };

  const limits = connectionLimits(config);
  const app = fastify({
    logger: false,
    bodyLimit: config.maxBodyBytes,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: limits.keepAliveTimeout,
    exposeHeadRoutes: true,
    http: limits,
    routerOptions: { maxParamLength: ENCODED * config.maxClientIdBytes },
    genReqId: (request: IncomingMessage) => requestIdOf(request.headers['x-request-id']) ?? randomUUID(),
    frameworkErrors(error, request, reply) {
      begin(request, reply);
      handleError(error, request, reply);
    },
    clientErrorHandler: (error, socket) => refuseMalformed(socket, error.code, answers.get(socket)),
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.decorateRequest('bodyType', undefined);
  app.decorateRequest('traceId', '');
  app.setErrorHandler(handleError);
  const methodsOf = watchMethods(app);
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request);
    const methods = methodsOf(path);
    if (methods.length === 0) {
      const message = `there is no ${request.method} ${path}; see /docs`;
      return sendProblem(request, reply, refuse('not-found', message).error);
    }
    reply.header('allow', methods.join(', '));
    const message = `${path} has no ${request.method}, it has ${methods.join(', ')}`;
    return sendProblem(request, reply, refuse('protocol.error', message).error, 405);
  });

  const tooOften = (counted: string): PublicError | undefined => {
    const retryAfterMs = rates?.take(counted, 1, clock.now()) ?? 0;
    if (retryAfterMs === 0) return undefined;
    const message = `more than ${config.maxRequestsPerSecond} requests a second`;
    return { code: 'rate.limited', message, retryAfterMs };
  };
  app.addHook('onRequest', (request, reply, done) => {
    begin(request, reply);
    if (isDraining()) {
      // HTTP/2 has no such header [RFC9113-8.2.2]; there GOAWAY says it.
      if (request.raw.httpVersionMajor === 1) reply.header('connection', 'close');
      void sendProblem(request, reply, refuse('server.draining', 'this process is shutting down').error);
      return;
    }
    const { length } = request.raw.url ?? '';
    if (length <= config.maxUrlBytes) return done();
    const message = `the address has ${length} bytes, at most ${config.maxUrlBytes} are accepted`;
    void sendProblem(request, reply, refuse('protocol.malformed', message).error, 414);
  });
  app.addHook('preValidation', (request, reply, done) => {
    if (!isCutOff(request.raw)) done();
    else void sendProblem(request, reply, refuse('protocol.malformed', 'the request was cut off').error);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const answers = `${Math.trunc(reply.statusCode / 100)}xx`;
    stats.answers[answers] = (stats.answers[answers] ?? 0) + 1;
    const { id: requestId, traceId, method } = request;
    const told = { requestId, traceId, method, path: pathOf(request), status: reply.statusCode };
    logger.debug({ ...told, tookMs: Math.round(reply.elapsedTime) }, 'answered');
    done();
  });
  allowOrigins(app, config.origins);
  identifyCallers(app, callers, tooOften);
  return app;
}

/** Without the query, where secrets may stand. */
function pathOf(request: FastifyRequest): string {
  return (request.raw.url ?? '').split('?', 1)[0]!;
}
