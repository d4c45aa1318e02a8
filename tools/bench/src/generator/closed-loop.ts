import type { Driver } from './driver.ts';
import type { Fleet } from './fleet.ts';
import type { Publisher } from './publisher.ts';

/** No publisher keeps the others waiting: at most so much in one write. */
const BYTES_PER_TURN = 64 << 10;
const STALL_CHECK_MS = 50;

/** Sends as fast as the windows allow: one write per publisher with credit and turn of the event loop. */
export function createClosedLoop(fleet: Fleet, options: { useWindow: boolean }): Driver {
  const { out, tally, publishers, plan } = fleet;
  let queue: Publisher[] = [];
  let scheduled = false;
  let stallCheck: NodeJS.Timeout | undefined;

  const maySend = (publisher: Publisher) => (options.useWindow ? publisher.hasCredit : publisher.canSend);

  const enqueue = (publisher: Publisher) => {
    if (publisher.queued || !maySend(publisher)) return;
    publisher.queued = true;
    queue.push(publisher);
    if (scheduled) return;
    scheduled = true;
    setImmediate(pumpAll);
  };

  const pumpAll = () => {
    const due = queue;
    queue = [];
    scheduled = false;
    for (const publisher of due) {
      publisher.queued = false;
      const now = performance.now();
      while (out.length < BYTES_PER_TURN && maySend(publisher)) publisher.encode(out, now);
      if (publisher.link !== undefined) out.sendTo(publisher.link);
      enqueue(publisher);
    }
  };

  /** What has not come for so long never comes: without this a lost message would close a window for ever. */
  const forgive = () => {
    const now = performance.now();
    if (now - tally.lastProgress < plan.stallMs) return;
    const stalled = publishers.filter(({ outstanding, sent, quota }) => outstanding > 0 && sent < quota);
    if (stalled.length === 0) return;
    tally.lastProgress = now;
    tally.stalls++;
    for (const publisher of stalled) {
      publisher.forgiven += publisher.outstanding;
      enqueue(publisher);
    }
  };

  return {
    start: async () => {
      fleet.onCredit = enqueue;
      publishers.forEach(enqueue);
      if (options.useWindow) stallCheck = setInterval(forgive, STALL_CHECK_MS);
    },
    stop: async () => {
      clearInterval(stallCheck);
      fleet.onCredit = () => undefined;
    },
  };
}
