import { expect, test } from 'vitest';
import { createRequestRates } from './request-rates.ts';

/** How many of `count` requests at `nowMs` may go on. */
function takeMany(
  rates: ReturnType<typeof createRequestRates>,
  client: string,
  count: number,
  nowMs: number,
): number {
  return Array.from({ length: count }, () => rates.take(client, nowMs)).filter((waitMs) => waitMs === 0)
    .length;
}

test('a second’s worth may come at once, and then as many as time has passed for', () => {
  const rates = createRequestRates(10);
  expect(takeMany(rates, 'a', 30, 5_000)).toBe(10);
  expect(takeMany(rates, 'b', 5, 5_000)).toBe(5);
  expect(takeMany(rates, 'a', 30, 5_100)).toBe(1);
  expect(takeMany(rates, 'a', 30, 5_600)).toBe(5);
  expect(takeMany(rates, 'a', 30, 9_000)).toBe(10);
});

test('who is refused is told when to come back, and is let in then', () => {
  const rates = createRequestRates(2);
  expect([rates.take('a', 0), rates.take('a', 0)]).toEqual([0, 0]);
  expect(rates.take('a', 100)).toBe(400);
  expect(rates.take('a', 499)).toBe(1);
  expect(rates.take('a', 500)).toBe(0);
});

test('a client with nothing to wait for is forgotten, others are not', () => {
  const rates = createRequestRates(1);
  rates.take('a', 0);
  rates.tick(999);
  expect(rates.take('a', 999)).toBeGreaterThan(0);
  rates.tick(1_000);
  expect(rates.take('a', 1_000)).toBe(0);
});
