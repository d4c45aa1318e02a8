export interface BackoffLimits {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * How long to wait before connection attempt `failures` + 1: it doubles up to the limit, and half of it is random, so that the clients of
 * a door that died do not all come to the next one at once. `random` from 0 to 1.
 */
export function delayMs(failures: number, { minDelayMs, maxDelayMs }: BackoffLimits, random: number): number {
  const full = Math.min(maxDelayMs, minDelayMs * 2 ** failures);
  return full / 2 + (random * full) / 2;
}
