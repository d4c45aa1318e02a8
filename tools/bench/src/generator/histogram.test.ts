import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Histogram } from './histogram.ts';

test('every value is known to within 0.8 % (or 0.1 µs)', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 200_000, noNaN: true }), (ms) => {
      const histogram = new Histogram();
      histogram.add(ms);
      expect(Math.abs(histogram.quantile(0.5) - ms)).toBeLessThanOrEqual(Math.max(0.0001, ms * 0.008));
      expect(histogram.maxMs).toBe(ms);
    }),
  );
});

test('quantiles are those of the sorted values', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.001, max: 5_000, noNaN: true }), { minLength: 1 }), (values) => {
      const histogram = new Histogram();
      for (const value of values) histogram.add(value);
      const sorted = values.toSorted((a, b) => a - b);
      for (const q of [0, 0.5, 0.99, 0.999, 1]) {
        const exact = sorted[Math.min(Math.floor(q * values.length), values.length - 1)] as number;
        expect(Math.abs(histogram.quantile(q) - exact)).toBeLessThanOrEqual(0.0002 + exact * 0.008);
      }
    }),
  );
});

test('two that were merged are the one of all values', () => {
  const [left, right, both] = [new Histogram(), new Histogram(), new Histogram()];
  for (let i = 0; i < 1_000; i++) {
    (i % 3 ? left : right).add(i / 7);
    both.add(i / 7);
  }
  left.merge(structuredClone(right.data()));
  expect(left.data()).toEqual(both.data());
  expect(new Histogram(left.data()).quantile(0.9)).toBe(both.quantile(0.9));
});

test('an empty one answers 0, and one beyond its range keeps the maximum', () => {
  const histogram = new Histogram();
  expect(histogram.quantile(0.99)).toBe(0);
  histogram.add(1_000_000);
  expect(histogram.maxMs).toBe(1_000_000);
  expect(histogram.count).toBe(1);
});
