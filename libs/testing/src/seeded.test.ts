import { expect, test } from 'vitest';
import { randomFrom, seeded } from './seeded.ts';

test('a seed gives the same numbers always: a run that found something can be repeated later', () => {
  const next = seeded(1);
  expect([next(), next(), next()]).toEqual([2_693_262_067, 11_749_833, 2_265_367_787]);
  expect(seeded(2)()).not.toBe(seeded(1)());
});

test('numbers below a bound are spread over it', () => {
  const random = randomFrom(7);
  const counts = [0, 0, 0, 0];
  for (let n = 0; n < 4_000; n++) counts[random(4)]!++;
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});
