import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { DoorTls } from '@trivium/tls';
import { PROBLEM_JSON, problemOf } from './refuse-upgrade.ts';

/** Of a request to upgrade; also of the handshake of TLS before it. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

const OPTIONS = {
  requestTimeout: HANDSHAKE_TIMEOUT_MS,
  headersTimeout: HANDSHAKE_TIMEOUT_MS,
  connectionsCheckingInterval: 2_000,
} as const;
/** A WebSocket begins with a request of HTTP/1.1 [RFC6455-4.1]. */
const ALPN = 'http/1.1';

/** A server for requests to upgrade, over TLS where that is given; all others it refuses. */
export function createUpgradeServer(tls?: DoorTls): Server {
  return tls === undefined
    ? createServer(OPTIONS, refuse)
    : createTlsServer({ ...OPTIONS, ...tls.options, ALPNProtocols: [ALPN] }, refuse);
}

const refuse: RequestListener = (_request, response) => {
  const problem = problemOf(
    { code: 'protocol.unsupported', message: 'this port speaks WebSocket only' },
    426,
  );
  const headers = { upgrade: 'websocket', connection: 'Upgrade, close', 'content-type': PROBLEM_JSON };
  response.writeHead(426, headers).end(problem);
};
