import { expect, test } from 'vitest';
import { createMessageRates } from './message-rates.ts';

const NONE = { messagesPerSecond: 0, bytesPerSecond: 0, messagesPerSecondPerPrincipal: 0 };
const a1 = { connection: '1', principal: 'a' };
const a2 = { connection: '2', principal: 'a' };
const b = { connection: '3', principal: 'b' };

test('without a limit there is nothing to ask', () => {
  expect(createMessageRates(NONE)).toBeUndefined();
});

test('a connection has its messages and its bytes a second, whatever others publish', () => {
  const rates = createMessageRates({ ...NONE, messagesPerSecond: 2, bytesPerSecond: 10 })!;
  expect([rates.take(a1, 4, 0), rates.take(a1, 4, 0), rates.take(a1, 1, 0)]).toEqual([0, 0, 500]);
  expect([rates.take(a2, 10, 0), rates.take(a2, 1, 0)]).toEqual([0, 100]);
  expect(rates.take(a1, 1, 500)).toBe(0);
});

test('a principal has its messages a second over all its connections', () => {
  const rates = createMessageRates({ ...NONE, messagesPerSecondPerPrincipal: 2 })!;
  expect([rates.take(a1, 0, 0), rates.take(a2, 0, 0), rates.take(a1, 0, 0)]).toEqual([0, 0, 500]);
  expect(rates.take(b, 0, 0)).toBe(0);
  rates.tick(1_000);
  expect(rates.take(a2, 0, 1_000)).toBe(0);
});
