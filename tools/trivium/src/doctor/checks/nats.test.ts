import type { Inspection, StreamInspection } from '@trivium/bus';
import { expect, test } from 'vitest';
import { checkNats } from './nats.ts';

const MESSAGES: StreamInspection = {
  ...{ name: 'MESSAGES', there: true, differs: [], messages: 3, bytes: 900, first: 1, last: 3, subjects: 2 },
  ...{ consumers: 0, maxBytes: -1, maxAgeMs: 604_800_000, discards: 'old' },
};

const WELL: Inspection = {
  server: { name: 'n', version: '2.15.0', cluster: undefined },
  ...{ roundTripMs: 10, clockAheadMs: 3, storage: { usedBytes: 1_500_000, mostBytes: -1 } },
  streams: [MESSAGES],
};

/** What is not ok. */
const troubles = (of: Partial<Inspection>): string[] =>
  checkNats({ ...WELL, ...of }, 'nats://h', '/nowhere')
    .filter(({ level }) => level !== 'ok')
    .map(({ level, about, text }) => `${level} ${about}: ${text}`);

const withLog = (of: Partial<StreamInspection>): string[] => troubles({ streams: [{ ...MESSAGES, ...of }] });

test('a NATS that is well is called so', () => {
  expect(troubles({})).toEqual([]);
  const texts = checkNats(WELL, 'nats://h', '/nowhere').map(({ text }) => text);
  expect(texts).toContain('the log has 3 messages, 900 B; they are kept for 7 days, whatever they take');
});

test.each([
  [{ clockAheadMs: -1_500 }, 'warn clock: the clock of NATS is 1500 ms behind ours'],
  [{ clockAheadMs: 40_000 }, 'fail clock: the clock of NATS is 40000 ms ahead of ours'],
  [{ storage: { usedBytes: 85, mostBytes: 100 } }, 'warn storage: JetStream has 85 B of 100 B (85 %)'],
  [{ storage: { usedBytes: 96, mostBytes: 100 } }, 'fail storage: JetStream has 96 B of 100 B (96 %)'],
] as const)('%j is told', (of, text) => {
  expect(troubles(of)).toEqual([expect.stringContaining(text)]);
});

test('a round trip that was slow is not taken for a clock that is wrong', () => {
  expect(troubles({ roundTripMs: 4_000, clockAheadMs: 1_800 })).toEqual([]);
});

test.each([
  [{ there: false }, 'fail streams: missing: MESSAGES'],
  [{ differs: ['max_bytes'] }, 'warn streams: MESSAGES has max_bytes other than the settings here'],
  [{ subjects: 900_000 }, 'warn subjects: the log has 900,000 subjects'],
  [{ subjects: 1_000_000 }, 'fail subjects: the log has 1,000,000 subjects'],
  [{ bytes: 85, maxBytes: 100, discards: 'new' }, 'warn retention:'],
  [{ bytes: 99, maxBytes: 100, discards: 'new' }, 'fail retention:'],
] as const)('of the log %j is told', (of, text) => {
  expect(withLog(of)).toEqual([expect.stringContaining(text)]);
});

test('a log that is full and lets the oldest go is as it should be', () => {
  expect(withLog({ bytes: 100, maxBytes: 100 })).toEqual([]);
});
