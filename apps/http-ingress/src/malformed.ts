import { STATUS_CODES } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '@trivium/contracts';
import { PROBLEM_JSON, problemOf } from './problem.ts';

/** How long a refused client may go on sending before it is cut off. */
const LINGER_MS = 1_000;

/**
 * Answers bytes that Node's parser refused, by the parser's code, and closes the connection; not at once, since what the client has
 * still to say would reset the connection before it has read the answer [RFC9112-9.6]. `answer`: the last one that was begun on this
 * connection; while it is under way nothing else can be said, and to cut it off is what says that it is not whole.
 */
export function refuseMalformed(
  socket: Duplex,
  parserCode: string | undefined,
  answer: ServerResponse | undefined,
): void {
  if (!socket.writable) return;
  if (answer?.headersSent === true && !answer.writableFinished) {
    socket.destroy();
    return;
  }
  const [status, code, message] = reasonOf(parserCode);
  const body = `${JSON.stringify(problemOf({ code, message }, status))}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: ${PROBLEM_JSON}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

function reasonOf(parserCode: string | undefined): [status: number, code: ErrorCode, message: string] {
  switch (parserCode) {
    case 'HPE_HEADER_OVERFLOW':
      return [431, 'protocol.malformed', 'the headers are too large'];
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, 'payload.too-large', 'the chunk extensions are too large'];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'protocol.error', 'the request took too long'];
    case undefined:
    default:
      return [400, 'protocol.malformed', 'no HTTP request'];
  }
}
