import { expect, test } from 'vitest';
import { createKeyedRates } from './keyed-rates.ts';

test('each has a bucket of its own', () => {
  const rates = createKeyedRates({ perSecond: 2 });
  expect([rates.take('a', 2, 0), rates.take('a', 1, 0), rates.take('b', 2, 0)]).toEqual([0, 500, 0]);
  expect(rates.spend('b', 2, 0)).toBe(1_000);
});

test('who has nothing to wait for is forgotten, others are not', () => {
  const rates = createKeyedRates({ perSecond: 1 });
  rates.take('a', 1, 0);
  rates.tick(999);
  expect([rates.size, rates.take('a', 1, 999)]).toEqual([1, 1]);
  rates.tick(1_000);
  expect([rates.size, rates.take('a', 1, 1_000)]).toEqual([0, 0]);
});

test('however many ask, what is kept is bounded', () => {
  const rates = createKeyedRates({ perSecond: 1 });
  for (let i = 0; i < 100_001; i++) rates.take(`key ${i}`, 1, 0);
  expect(rates.size).toBe(100_000);
  expect(rates.take('key 100000', 1, 0)).toBeGreaterThan(0);
});
