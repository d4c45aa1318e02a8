/** Waits between attempts: doubling from `firstMs`, never above `mostMs`. `attempt` counts from 1. */
export function backoffMs(attempt: number, firstMs: number, mostMs: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 20));
}
