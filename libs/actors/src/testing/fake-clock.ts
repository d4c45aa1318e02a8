import type { Clock } from '../clock.ts';

export interface FakeClock extends Clock {
  /** Moves time on, timer by timer; what each one sets going runs before the next. */
  advance(ms: number): Promise<void>;
}

interface Timer {
  at: number;
  fn: () => void;
}

/** Lets promises and immediates that are due run. */
export async function settle(turns = 12): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function createFakeClock(): FakeClock {
  let now = 0;
  let timers: Timer[] = [];
  return {
    monotonicMs: () => now,
    wallMs: () => 1_700_000_000_000 + now,
    after(ms, fn) {
      const timer = { at: now + Math.max(0, ms), fn };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers = timers.filter((other) => other !== due);
        now = Math.max(now, due.at);
        due.fn();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}
