import { expect, test } from 'vitest';
import { delayMs } from './backoff.ts';

const limits = { minDelayMs: 200, maxDelayMs: 5_000 };

test('delays double up to the limit, the upper half of them at random', () => {
  expect([0, 1, 2, 3, 10, 2_000].map((failures) => delayMs(failures, limits, 0))).toEqual([
    100, 200, 400, 800, 2_500, 2_500,
  ]);
  expect([0, 1, 10].map((failures) => delayMs(failures, limits, 1))).toEqual([200, 400, 5_000]);
});
