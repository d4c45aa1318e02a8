import { expect, test } from 'vitest';
import type { Reconnect, Round } from './measure.ts';
import { costLine, reconnectFailures, roundLine } from './verdict.ts';

const SIZE = { sessions: 1_000, reconnecting: 200 };
const round: Round = {
  ...{
    index: 'level',
    storeSecs: 1,
    answered: 200,
    span: 20_000,
    secs: 3.99,
    connectedSecs: 2,
    firstSecs: 0.5,
  },
  ...{ sessionP50Secs: 2, sessionP99Secs: 3.5, sessionsPresent: 200, lostConnections: 0 },
  cpuS: { nats: 1.25, 'door 1': 3 },
  counts: {
    ...{ expected: 20_000, delivered: 20_000, lost: 0, repeated: 0 },
    ...{ reordered: 0, overdue: 0, misrouted: 0, malformed: 0 },
  },
};
const good: Reconnect = {
  createSecs: 2,
  cost: { consumers: 3, records: 1_000, bytesPerRecord: 373.4 },
  rounds: [round, { ...round, index: 'lost', secs: 14 }],
};
const withRound = (change: Partial<Round>): Reconnect => ({ ...good, rounds: [{ ...round, ...change }] });
const withCount = (change: Partial<Round['counts']>) => withRound({ counts: { ...round.counts, ...change } });

test('what came once and in order is no failure, however long it took', () => {
  expect(reconnectFailures(good, SIZE)).toEqual([]);
  expect(reconnectFailures(withRound({ secs: 100 }), SIZE)).toEqual([]);
});

test.each([
  [withCount({ lost: 1 }), /lost 1/],
  [withCount({ repeated: 2 }), /repeated 2/],
  [withCount({ reordered: 3 }), /out of order 3/],
  [withCount({ overdue: 6 }), /of the round before 6/],
  [withCount({ misrouted: 4 }), /misrouted 4/],
  [withCount({ malformed: 5 }), /malformed 5/],
  [withRound({ sessionsPresent: 199 }), /199 of 200 sessions were present/],
  [withRound({ lostConnections: 1 }), /1 connections were cut/],
  [{ ...good, cost: { ...good.cost, consumers: 1_003 } }, /the log has 1003 consumers, for 1000 sessions/],
  [{ ...good, cost: { ...good.cost, records: 999 } }, /1000 sessions have 999 records/],
  [{ ...good, cost: { ...good.cost, records: 2_000 } }, /1000 sessions have 2000 records/],
])('%# is a failure', (reconnect, message) => {
  expect(reconnectFailures(reconnect, SIZE)).toEqual([expect.stringMatching(message)]);
});

test('the limit is that of what became of the index', () => {
  expect(roundLine(round)).toMatch(/^index level: served in 3\.99 s \(within the limit of 4 s\)/);
  expect(roundLine({ ...round, secs: 4.01 })).toContain('above the limit of 4 s');
  expect(roundLine({ ...round, secs: 4.01, index: 'lost' })).toContain('within the limit of 15 s');
  expect(costLine(good, SIZE)).toBe('1000 sessions away: 3 consumers on the log, 1000 records of 373 bytes');
});
