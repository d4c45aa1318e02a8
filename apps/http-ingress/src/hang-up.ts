import type { IncomingMessage } from 'node:http';
import type { Reply } from './app.ts';

/** Aborted when the caller goes before it has its answer. */
export function hangUp(reply: Reply): AbortSignal {
  const abort = new AbortController();
  reply.raw.on('close', () => {
    if (!reply.raw.writableFinished) abort.abort();
  });
  return abort.signal;
}

/**
 * Whether the caller has gone before its request was whole. Over HTTP/2 the body of such a request ends as a whole one does, and only this tells
 * them apart; there it is also true of a caller that went later.
 */
export function isCutOff(request: IncomingMessage): boolean {
  return request.httpVersionMajor === 2 ? request.aborted : request.destroyed && !request.complete;
}
