import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer, Http2ServerRequest, type Http2SecureServer } from 'node:http2';
import type { Socket } from 'node:net';
import type { DoorTls } from '@trivium/tls';
import type { App } from './app.ts';
import { createBodyDeadlines } from './body-deadlines.ts';
import type { Clock } from '@trivium/clock';
import type { HttpConfig } from './config.ts';
import { connectionLimits } from './connection-limits.ts';
import { Http2Answer } from './http2-answer.ts';

/** Requests of one HTTP/2 connection at once, its event streams among them. */
const MAX_CONCURRENT_STREAMS = 250;

/** HTTP/2 and HTTP/1.1 over TLS, whichever the client prefers (ALPN), into the same app. */
export interface TlsListener {
  /** Listens when it is told to. */
  readonly server: Http2SecureServer;
  /** A turn of the door's clock. */
  tick(nowMs: number): void;
  /** No new connections, and no new requests on those of HTTP/2 (GOAWAY); what is under way goes on. */
  stopAccepting(): void;
  closeAllConnections(): void;
  /** After `stopAccepting`: every connection is gone. */
  readonly closed: Promise<void>;
}

export interface TlsListenerOptions {
  /** Ready. */
  app: App;
  config: HttpConfig;
  tls: DoorTls;
  clock: Clock;
}

export function createTlsListener({ app, config, tls, clock }: TlsListenerOptions): TlsListener {
  const limits = connectionLimits(config);
  const deadlines = createBodyDeadlines(config.requestTimeoutMs);
  /** Those that are still shaking hands, too. */
  const sockets = new Set<Socket>();
  let stopping = false;

  /** An answer that was under way when the drain began is the last of its connection. */
  function onAnswered(this: ServerResponse): void {
    if (stopping) this.req.socket.destroySoon();
  }
  const begin = (request: Http2ServerRequest): void => {
    if (request.stream.endAfterHeaders) return;
    deadlines.add(request, clock.now());
    // Fastify takes a request without a type, a length and this for one without a body.
    if (request.headers['content-length'] === undefined) request.headers['transfer-encoding'] = 'chunked';
  };
  const handle = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2Answer) => {
    if (request instanceof Http2ServerRequest) begin(request);
    else response.once('finish', onAnswered);
    // Fastify takes both kinds; its types are those of its own server.
    app.routing(request as IncomingMessage, response as ServerResponse);
  };

  const server = createSecureServer(
    {
      ...tls.options,
      handshakeTimeout: limits.headersTimeout,
      allowHTTP1: true,
      http1Options: limits,
      Http2ServerResponse: Http2Answer,
      settings: { maxConcurrentStreams: MAX_CONCURRENT_STREAMS, maxHeaderListSize: limits.maxHeaderSize },
    },
    handle,
  );
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // Graceful: what has a request under way on it is not idle.
  server.on('session', (session) => session.setTimeout(limits.keepAliveTimeout, () => session.close()));
  server.on('clientError', (error, socket) => app.server.emit('clientError', error, socket));
  const closed = new Promise<void>((resolve) => server.once('close', () => resolve()));

  return {
    server,
    closed,
    tick: (nowMs) => deadlines.tick(nowMs),
    stopAccepting() {
      if (stopping) return;
      stopping = true;
      server.close();
    },
    closeAllConnections() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
