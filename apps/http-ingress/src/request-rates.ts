/** How often each client may ask. */
export interface RequestRates {
  /** Counts a request: 0 when it may go on, else the milliseconds after which one may. */
  take(client: string, nowMs: number): number;
  /** A turn of the door's clock: forgets who has nothing to wait for. */
  tick(nowMs: number): void;
}

/** A second's worth may come at once. */
const BURST_MS = 1_000;
const MAX_CLIENTS = 100_000;

/**
 * `perSecond` requests of one client in the mean (the generic cell rate algorithm: one number a client, the time at which all of its
 * requests so far would have been due). Refused ones are not counted.
 */
export function createRequestRates(perSecond: number): RequestRates {
  const dueAt = new Map<string, number>();
  const intervalMs = 1_000 / perSecond;

  return {
    take(client, nowMs) {
      const due = Math.max(dueAt.get(client) ?? 0, nowMs) + intervalMs;
      const aheadMs = due - nowMs;
      if (aheadMs > Math.max(BURST_MS, intervalMs)) return aheadMs - Math.max(BURST_MS, intervalMs);
      if (dueAt.size >= MAX_CLIENTS && !dueAt.has(client)) dueAt.delete(dueAt.keys().next().value!);
      dueAt.set(client, due);
      return 0;
    },
    tick(nowMs) {
      for (const [client, due] of dueAt) if (due <= nowMs) dueAt.delete(client);
    },
  };
}
