import { expect, test } from 'vitest';
import type { Measurement } from '../measurement.ts';
import { selectWorkloads, type Workload } from '../workload.ts';
import { medianOf, ratios, type Result, summarize } from './summary.ts';
import { renderTables } from './table.ts';
import { failures, targetLine } from './verdict.ts';

const [w2] = selectWorkloads(['W2']) as [Workload];

function measured(
  change: Partial<Measurement> = {},
  counts: Partial<Measurement['counts']> = {},
): Measurement {
  return {
    secs: 3,
    sentPerS: 1_000,
    deliveredPerS: 1_000,
    p50Ms: 1,
    p99Ms: 2,
    p999Ms: 3,
    maxMs: 4,
    sendLagP99Ms: 0,
    cpuPerMillion: 10,
    brokerCores: 0.9,
    rssMiB: 8,
    otherCores: 0.1,
    generatorCores: 0.5,
    generatorProcesses: 1,
    counts: {
      ...{ sent: 9, acknowledged: 0, expected: 9, delivered: 9, lost: 0, duplicates: 0, reordered: 0 },
      ...{ misrouted: 0, malformed: 0, stalls: 0, lostConnections: 0 },
      ...counts,
    },
    ...change,
  };
}

const result = (broker: string, ...runs: Result['runs'][number][]): Result => ({
  workload: w2,
  broker,
  runs,
});

test('medians', () => {
  expect(medianOf([3, 1, 2])).toBe(2);
  expect(medianOf([4, 1, 2, 3])).toBe(2.5);
});

test('a summary has the median of each figure, the worst of each count, and leaves failed runs out', () => {
  const summary = summarize([
    measured({ deliveredPerS: 100, p99Ms: 9 }),
    { error: 'refused' },
    measured({ deliveredPerS: 300, p99Ms: 1 }, { lost: 5 }),
    measured({ deliveredPerS: 200, p99Ms: 5 }, { lost: 1, duplicates: 2 }),
  ]);
  expect(summary).toMatchObject({ minPerS: 100, maxPerS: 300, runs: 3, failedRuns: 1 });
  expect(summary?.median).toMatchObject({ deliveredPerS: 200, p99Ms: 5 });
  expect(summary?.worst).toMatchObject({ lost: 5, duplicates: 2, reordered: 0 });
  expect(summarize([{ error: 'refused' }])).toBeUndefined();
});

test('ratios are taken run by run: a disturbance of one round does not show', () => {
  const mine = [100, 20, 100].map((rate) => measured({ deliveredPerS: rate, cpuPerMillion: 5 }));
  const other = [50, 10, 50].map((rate) => measured({ deliveredPerS: rate, cpuPerMillion: 10 }));
  expect(ratios(mine, other)).toEqual({ rate: 2, cpu: 0.5, p99: 1 });
  expect(ratios([{ error: 'x' }, ...mine.slice(1)], other)?.rate).toBe(2);
  expect(ratios([{ error: 'x' }], other)).toBeUndefined();
});

test('the table names what must be known about a row', () => {
  const text = renderTables([
    result('hub', measured({ deliveredPerS: 250_000, cpuPerMillion: 4 }, { lost: 1_234 }), { error: 'x' }),
    result(
      'mosquitto',
      measured({ deliveredPerS: 100_000, generatorCores: 0.99 }),
      measured({ deliveredPerS: 90_000 }),
    ),
    result('nats', { error: 'CONNECT refused\nmore' }, { error: 'again' }),
  ]);
  const lines = text.split('\n');
  expect(lines[0]).toBe('W2: QoS 0, 50 → 50 pairs');
  expect(lines[2]).toMatch(
    /^ {2}hub +250,000 +250,000 … 250,000 +2\.50 +4\.00 +0\.40 .*1 failed, lost 1,234$/,
  );
  expect(lines[3]).toMatch(/^ {2}mosquitto +95,000 +90,000 … 100,000 +10\.00 /);
  expect(lines[4]).toMatch(/^ {2}nats +failed .*CONNECT refused$/);
});

test('the target is told reached or not, when hub and mosquitto both ran it', () => {
  const reference = result('mosquitto', measured({ deliveredPerS: 100 }));
  expect(targetLine([reference, result('hub', measured({ deliveredPerS: 310 }))])).toMatch(
    /3\.10 × \(reached\)/,
  );
  expect(targetLine([reference, result('hub', measured({ deliveredPerS: 190 }))])).toMatch(
    /1\.90 × \(not reached\)/,
  );
  expect(targetLine([reference])).toBeUndefined();
});

test('a failed run fails, and so does a message that the hub lost, repeated or misrouted, but not a peer', () => {
  expect(failures([result('hub', measured()), result('nats', measured({}, { lost: 3 }))])).toEqual([]);
  expect(failures([result('nats', { error: 'refused' })])).toEqual(['W2 nats: refused']);
  for (const name of ['lost', 'duplicates', 'misrouted', 'malformed']) {
    expect(failures([result('hub', measured({}, { [name]: 1 }))])).toHaveLength(1);
  }
});
