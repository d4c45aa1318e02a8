import type { Clock } from './clock.ts';

/** A clock that a test turns: what is to be done again and again is done once each time that it is advanced. */
export function handClock(nowMs = 1_000_000): Clock & { advance(ms: number): void } {
  const ticks = new Set<() => void>();
  return {
    now: () => nowMs,
    every(_intervalMs, run) {
      ticks.add(run);
      return () => void ticks.delete(run);
    },
    advance(ms) {
      nowMs += ms;
      for (const tick of ticks) tick();
    },
  };
}
