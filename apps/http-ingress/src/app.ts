import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, RawServerDefault } from 'fastify';
import type { Caller } from './caller.ts';

/** Fastify, with requests and answers typed by their TypeBox schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export type Reply = FastifyReply;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is taken as it is. */
    rawBody?: boolean;
  }
  interface FastifyRequest {
    /** Content type of the body, where the body is taken as it is. */
    bodyType: string | undefined;
    /** 32 hexadecimal digits: of the trace that the request belongs to. */
    traceId: string;
    /** Who it is from; not there on routes that are open to everybody. */
    caller: Caller;
  }
}
