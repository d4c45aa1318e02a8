import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { toHttpStatus, type PublicError } from '@trivium/contracts';
import { CHALLENGES } from '@trivium/identity';

export const PROBLEM_JSON = 'application/problem+json';

/** How long a refused client may go on sending before it is cut off. */
const LINGER_MS = 1_000;

/** The body of a refusal, RFC 9457. */
export function problemOf({ code, message }: PublicError, status = toHttpStatus(code)): string {
  const title = STATUS_CODES[status];
  return `${JSON.stringify({ type: 'about:blank', title, status, detail: message, code })}\n`;
}

/**
 * Answers a request that does not become a WebSocket with an HTTP error, and closes the connection; not at once, since what the client
 * has still to say would reset the connection before it has read the answer [RFC9112-9.6].
 */
export function refuseUpgrade(socket: Duplex, error: PublicError, status = toHttpStatus(error.code)): void {
  if (!socket.writable) return;
  socket.end(refusalText(error, status));
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

/** The whole answer. */
export function refusalText(error: PublicError, status = toHttpStatus(error.code)): string {
  const body = problemOf(error, status);
  const challenge = status === 401 ? `WWW-Authenticate: ${CHALLENGES}\r\n` : '';
  const retry =
    error.retryAfterMs === undefined ? '' : `Retry-After: ${Math.ceil(error.retryAfterMs / 1000)}\r\n`;
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: ${PROBLEM_JSON}\r\n` +
    `${challenge}${retry}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

/** The refusal of bytes that are no HTTP request, by the code of Node's parser. */
export function refuseMalformed(socket: Duplex, parserCode: string | undefined): void {
  switch (parserCode) {
    case 'HPE_HEADER_OVERFLOW':
      return refuseUpgrade(socket, { code: 'protocol.malformed', message: 'the headers are too large' }, 431);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return refuseUpgrade(socket, { code: 'protocol.error', message: 'the request took too long' }, 408);
    case undefined:
    default:
      return refuseUpgrade(socket, { code: 'protocol.malformed', message: 'no HTTP request' }, 400);
  }
}
