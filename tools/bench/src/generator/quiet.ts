import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from './fleet.ts';

const ASK_EVERY_MS = 5;

/** Resolves when every publisher has sent its quota or lost its connection, or after `plan.drainMs` without progress. */
export async function untilSent({ publishers, tally, plan }: Fleet): Promise<void> {
  const isDone = () => publishers.every(({ sent, quota, link }) => sent >= quota || !link?.isOpen);
  const sentNow = () => publishers.reduce((sum, { sent }) => sum + sent, 0);
  for (let before = -1; !isDone(); await sleep(ASK_EVERY_MS)) {
    const sent = sentNow();
    if (sent > before) tally.lastProgress = Math.max(tally.lastProgress, performance.now());
    else if (performance.now() - tally.lastProgress >= plan.drainMs) return;
    before = sent;
  }
}

/** Resolves when all that was sent is delivered and acknowledged, or after `plan.drainMs` without progress. */
export async function untilDelivered(fleet: Fleet): Promise<void> {
  const { tally, plan } = fleet;
  tally.lastProgress = performance.now();
  const isDone = () => tally.delivered >= fleet.expected() && fleet.unacknowledged() === 0;
  while (!isDone() && performance.now() - tally.lastProgress < plan.drainMs) await sleep(ASK_EVERY_MS);
}

/** Resolves when all that was sent is acknowledged, or after `plan.drainMs` without progress. */
export async function untilAcknowledged(fleet: Fleet): Promise<void> {
  const { tally, plan } = fleet;
  tally.lastProgress = performance.now();
  while (fleet.unacknowledged() > 0 && performance.now() - tally.lastProgress < plan.drainMs)
    await sleep(ASK_EVERY_MS);
}
