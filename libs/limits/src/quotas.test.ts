import { expect, test } from 'vitest';
import { NO_LIMITS } from './config.ts';
import { createQuotas } from './quotas.ts';

test('without a limit nothing is counted', () => {
  const quota = createQuotas(NO_LIMITS).enter('a', 0)!;
  expect([quota.limited, quota.isReady(0)]).toEqual([false, true]);
});

test('a connection waits until it owes nothing, whatever others publish', () => {
  const quotas = createQuotas({ ...NO_LIMITS, messagesPerSecond: 2, bytesPerSecond: 10 });
  const [one, other] = [quotas.enter('a', 0)!, quotas.enter('a', 0)!];
  expect([one.spend(4, 0), one.spend(4, 0), one.spend(1, 0)]).toEqual([true, true, false]);
  expect([one.isReady(499), one.isReady(500)]).toEqual([false, true]);
  expect([other.spend(20, 0), other.isReady(999), other.isReady(1_000)]).toEqual([false, false, true]);
});

test('the connections of a principal share its messages; nobody in particular shares with nobody', () => {
  const quotas = createQuotas({ ...NO_LIMITS, messagesPerSecondPerPrincipal: 1 });
  const [one, other, b] = [quotas.enter('a', 0)!, quotas.enter('a', 0)!, quotas.enter('b', 0)!];
  expect([one.spend(0, 0), other.spend(0, 0), b.spend(0, 0)]).toEqual([true, false, true]);
  expect(quotas.enter(undefined, 0)!.limited).toBe(false);
});

test('a principal has so many connections; one that takes over another of them has its place', () => {
  const quotas = createQuotas({ ...NO_LIMITS, connectionsPerPrincipal: 1 });
  const [first, b] = [quotas.enter('a', 0)!, quotas.enter('b', 0)!];
  expect(quotas.enter('a', 0)).toBeUndefined();
  expect(quotas.enter('a', 0, b)).toBeUndefined();
  const next = quotas.enter('a', 0, first)!;
  first.leave();
  expect(quotas.enter('a', 0)).toBeUndefined();
  next.leave();
  next.leave();
  expect(quotas.enter('a', 0)).toBeDefined();
  for (let i = 0; i < 10; i++) expect(quotas.enter(undefined, 0)).toBeDefined();
});
