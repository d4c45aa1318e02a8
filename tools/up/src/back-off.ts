/** How long a crashed process waits before it is started again: doubling, until it has run well for a while. */
export interface BackOff {
  firstMs: number;
  longestMs: number;
  /** A process that ran this long starts again from `firstMs`. */
  healthyMs: number;
}

export const BACK_OFF: BackOff = { firstMs: 250, longestMs: 10_000, healthyMs: 30_000 };

/** The delay before the next start. `previousMs` is the one before, undefined at the first crash. */
export function nextDelay(
  previousMs: number | undefined,
  ranMs: number,
  { firstMs, longestMs, healthyMs }: BackOff,
): number {
  if (previousMs === undefined || ranMs >= healthyMs) return firstMs;
  return Math.min(previousMs * 2, longestMs);
}
