import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** Default 15,000. */
  timeoutMs?: number;
  /** What was waited for; a function is called when the time is up, so it can show the state then. */
  message?: string | (() => string);
  /** Default 10. */
  intervalMs?: number;
}

const DEFAULT_TIMEOUT_MS = 15_000;

/**
 * Asks `predicate` every 10 ms until it answers something truthy, and resolves to that.
 * A predicate that throws or rejects counts as "not yet"; when the time is up its last error is the `cause`.
 */
export async function waitFor<T>(
  predicate: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const end = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await predicate();
      if (value) return value as Exclude<T, false | null | undefined | 0 | ''>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= end) break;
    await sleep(options.intervalMs ?? 10);
  }
  const message = typeof options.message === 'function' ? options.message() : options.message;
  const last = cause instanceof Error ? `: ${cause.message}` : '';
  throw new Error(`waited ${timeoutMs} ms for ${message ?? 'a condition'}${last}`, { cause });
}
