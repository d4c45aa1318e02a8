import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

const NOW = 1_700_000_000_000;

/** How many of `tries` may pass at `nowMs`. */
function passed(bucket: TokenBucket, tries: number, nowMs: number): number {
  return Array.from({ length: tries }, () => bucket.take(1, nowMs)).filter((waitMs) => waitMs === 0).length;
}

test('the burst may come at once, and then as much as time has passed for', () => {
  const bucket = new TokenBucket(10, NOW, 30);
  expect(passed(bucket, 50, NOW)).toBe(30);
  expect(passed(bucket, 50, NOW + 100)).toBe(1);
  expect(passed(bucket, 50, NOW + 600)).toBe(5);
  expect(passed(bucket, 50, NOW + 60_000)).toBe(30);
});

test('what does not pass is told when to come back, and passes then', () => {
  const bucket = new TokenBucket(2, NOW);
  expect([bucket.take(1, NOW), bucket.take(1, NOW)]).toEqual([0, 0]);
  expect(bucket.take(1, NOW + 100)).toBe(400);
  expect(bucket.take(1, NOW + 499)).toBe(1);
  expect(bucket.take(1, NOW + 500)).toBe(0);
});

test('what is larger than the burst passes when the bucket is full, and is paid for afterwards', () => {
  const bucket = new TokenBucket(100, NOW);
  expect(bucket.take(350, NOW)).toBe(0);
  expect(bucket.take(1, NOW)).toBe(2_510);
  expect(bucket.take(350, NOW + 2_500)).toBe(1_000);
  expect(bucket.take(350, NOW + 3_500)).toBe(0);
});

test('what has happened already is counted all the same, and the debt is told', () => {
  const bucket = new TokenBucket(100, NOW);
  expect(bucket.spend(100, NOW)).toBe(0);
  expect(bucket.spend(50, NOW)).toBe(500);
  expect(bucket.spend(0, NOW + 400)).toBe(100);
  expect(bucket.spend(0, NOW + 500)).toBe(0);
});

test('a rate below one a second lets one pass at once', () => {
  const bucket = new TokenBucket(0.5, NOW);
  expect([bucket.take(1, NOW), bucket.take(1, NOW), bucket.take(1, NOW + 2_000)]).toEqual([0, 2_000, 0]);
});

test('bytes at the speed of a network are not lost in rounding', () => {
  const bucket = new TokenBucket(1_000_000_000, NOW, 1_000);
  let taken = 0;
  for (let ms = 0; ms < 100; ms++) while (bucket.take(10, NOW + ms) === 0) taken += 10;
  expect(taken).toBe(100 * 1_000);
});

test('a clock that is set back gives nothing and takes nothing', () => {
  const bucket = new TokenBucket(10, NOW);
  passed(bucket, 10, NOW);
  expect(bucket.take(1, NOW - 3_600_000)).toBe(100);
  expect(bucket.take(1, NOW - 3_600_000 + 100)).toBe(0);
});

test('in no time does more pass than the burst and what the time gives; waiting as told suffices', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 500 })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 20, max: 400 }),
      steps,
      (rate, burst, all) => {
        const bucket = new TokenBucket(rate, NOW, burst);
        let nowMs = NOW;
        let taken = 0;
        for (const [n, passedMs] of all) {
          nowMs += passedMs;
          const waitMs = bucket.take(n, nowMs);
          if (waitMs > 0) {
            nowMs += waitMs;
            expect(bucket.take(n, nowMs)).toBe(0);
          }
          taken += n;
          expect(taken).toBeLessThanOrEqual(burst + ((nowMs - NOW) * rate) / 1_000 + 1e-6);
        }
      },
    ),
  );
});
