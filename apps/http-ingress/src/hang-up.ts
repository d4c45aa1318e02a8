import type { Reply } from './app.ts';

/** Aborted when the caller goes before it has its answer. */
export function hangUp(reply: Reply): AbortSignal {
  const abort = new AbortController();
  reply.raw.on('close', () => {
    if (!reply.raw.writableFinished) abort.abort();
  });
  return abort.signal;
}
