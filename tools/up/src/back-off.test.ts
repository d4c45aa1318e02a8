import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BACK_OFF, nextDelay } from './back-off.ts';

describe('back-off', () => {
  it('doubles from 250 ms to 10 s', () => {
    const delays: number[] = [];
    for (let n = 0; n < 8; n += 1) delays.push(nextDelay(delays.at(-1), 100, BACK_OFF));
    expect(delays).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it('begins again after 30 s of health', () => {
    expect(nextDelay(10_000, 30_000, BACK_OFF)).toBe(250);
    expect(nextDelay(4_000, 29_999, BACK_OFF)).toBe(8_000);
  });

  it('is never shorter than the first delay nor longer than the longest', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 60_000 })), (runs) => {
        let delay: number | undefined;
        for (const ranMs of runs) {
          delay = nextDelay(delay, ranMs, BACK_OFF);
          expect(delay).toBeGreaterThanOrEqual(250);
          expect(delay).toBeLessThanOrEqual(10_000);
        }
      }),
    );
  });
});
