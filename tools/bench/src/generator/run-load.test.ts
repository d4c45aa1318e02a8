import { expect, test } from 'vitest';
import type { Workload } from '../workload.ts';
import { type Faults, startFaultyBroker } from './faulty-broker.ts';
import { runLoad } from './run-load.ts';

const base: Workload = {
  id: 'T',
  title: 'test',
  mode: 'window',
  qos: 0,
  pubs: 4,
  subs: 4,
  pattern: 'own',
  window: 50,
  payloadBytes: 64,
  count: 4_000,
  standard: false,
};

const QUICK = {
  warmupMs: 100,
  measureMs: 300,
  settleMs: 0,
  stallMs: 60,
  drainMs: 1_000,
  sample: async () => undefined,
};

type Case = [name: string, faults: Faults, change: Partial<Workload>, processes?: number];

const CASES: Case[] = [
  ['nothing wrong at QoS 0', {}, {}, 2],
  ['nothing wrong at QoS 1', {}, { qos: 1 }, 2],
  ['loss', { drop: 0.01 }, {}, 2],
  ['loss at QoS 1', { drop: 0.01 }, { qos: 1 }],
  ['repetition', { duplicate: 0.02 }, { qos: 1 }, 3],
  ['reordering', { swap: 0.02 }, {}],
  ['messages for somebody else', { stray: 0.02 }, {}],
  ['messages cut short', { truncate: 0.01 }, {}],
  [
    'everything in a fan-out',
    { drop: 0.01, duplicate: 0.01, swap: 0.01 },
    { pubs: 1, subs: 10, count: 400 },
    2,
  ],
  [
    'everything in a fan-in',
    { drop: 0.01, duplicate: 0.01, swap: 0.01 },
    { pubs: 10, subs: 2, pattern: 'wild' },
    2,
  ],
  ['large payloads', { duplicate: 0.02 }, { pubs: 1, subs: 1, payloadBytes: 20_000, count: 400 }],
  ['one in flight each', { duplicate: 0.02 }, { pubs: 100, subs: 100, window: 1 }, 2],
];

test.concurrent.each<Case>(CASES)(
  'what happened is what is counted: %s',
  async (_name, faults, change, processes = 1) => {
    const workload = { ...base, ...change };
    await using broker = await startFaultyBroker(faults);
    const target = { publishAt: broker.address, subscribeAt: broker.address };
    const { counts, processes: used } = await runLoad({ ...QUICK, workload, target, processes });
    const { done } = broker;
    const expected =
      (workload.count ?? 0) * (workload.pattern === 'wild' ? workload.subs : workload.subs / workload.pubs);
    expect(counts).toMatchObject({
      sent: workload.count,
      acknowledged: workload.qos === 1 ? workload.count : 0,
      expected,
      delivered: expected - counts.lost,
      duplicates: done.duplicated,
      reordered: done.swapped,
      misrouted: done.strayed,
      malformed: done.truncated,
      lostConnections: 0,
    });
    // A message that is held for a successor which never came is lost too: at most one a pair.
    const pairs = workload.pattern === 'wild' ? workload.pubs * workload.subs : workload.subs;
    const held = counts.lost - done.dropped - done.truncated;
    expect(held).toBeGreaterThanOrEqual(0);
    expect(held).toBeLessThanOrEqual(faults.swap ? pairs : 0);
    for (const [fault, times] of [
      ['drop', done.dropped],
      ['duplicate', done.duplicated],
      ['swap', done.swapped],
      ['stray', done.strayed],
      ['truncate', done.truncated],
    ] as const) {
      expect(times > 0, `${fault} ${times} times`).toBe((faults[fault] ?? 0) > 0);
    }
    expect(used).toBe(workload.pattern === 'wild' || workload.pubs === 1 ? 1 : processes);
  },
);

test('a timed run measures rates and latencies between its marks only', async () => {
  await using broker = await startFaultyBroker();
  const target = { publishAt: broker.address, subscribeAt: broker.address };
  const { count: _, ...timed } = base;
  let samples = 0;
  const report = await runLoad({
    ...QUICK,
    workload: timed,
    target,
    processes: 2,
    sample: async () => ++samples,
  });
  expect([report.before, report.after]).toEqual([1, 2]);
  expect(report.secs).toBeGreaterThanOrEqual(0.29);
  expect(report.counts.lost).toBe(0);
  expect(report.counts.delivered).toBeGreaterThan(report.delivered);
  expect(report.deliveredPerS * report.secs).toBeGreaterThan(report.delivered * 0.8);
  expect(report.latencyMs.p50).toBeGreaterThan(0);
  expect(report.latencyMs.p99).toBeGreaterThanOrEqual(report.latencyMs.p50);
  expect(report.latencyMs.max).toBeGreaterThanOrEqual(report.latencyMs.p999);
  expect(report.generatorCores).toBeGreaterThan(0);
});

test('at a fixed rate no more and no fewer messages leave than were asked for', async () => {
  await using broker = await startFaultyBroker();
  const target = { publishAt: broker.address, subscribeAt: broker.address };
  const workload: Workload = { ...base, mode: 'rate', rate: 800, count: 400 };
  const startedAt = performance.now();
  const report = await runLoad({ ...QUICK, workload, target, processes: 2 });
  expect(performance.now() - startedAt).toBeGreaterThan(490);
  expect(report.counts).toMatchObject({ sent: 400, delivered: 400, lost: 0 });
});

test('messages stored for absent subscribers are counted when they come back', async () => {
  await using broker = await startFaultyBroker({ drop: 0.02 });
  const target = { publishAt: broker.address, subscribeAt: broker.address };
  const workload: Workload = { ...base, mode: 'offline', qos: 1, count: 1_000 };
  const report = await runLoad({ ...QUICK, workload, target, processes: 1 });
  expect(report.offline?.sessionsPresent).toBe(4);
  expect(report.offline?.storedPerS).toBeGreaterThan(0);
  expect(report.counts).toMatchObject({
    sent: 1_000,
    acknowledged: 1_000,
    lost: broker.done.dropped,
    stalls: 0,
  });
  expect(broker.done.dropped).toBeGreaterThan(0);
});

test.each([
  [{ connackCode: 5 }, /CONNECT refused with return code 5/],
  [{ subackCode: 0x80 }, /SUBSCRIBE .* at QoS 1 answered 128/],
  [{ subackCode: 0 }, /SUBSCRIBE .* at QoS 1 answered 0/],
])('a broker that refuses is reported: %o', async (faults, message) => {
  await using broker = await startFaultyBroker(faults);
  const target = { publishAt: broker.address, subscribeAt: broker.address };
  const run = runLoad({ ...QUICK, workload: { ...base, qos: 1 }, target, processes: 2 });
  await expect(run).rejects.toThrow(message);
});

test('connections that are cut are counted, and the run ends', async () => {
  await using broker = await startFaultyBroker({ dieAfter: 100 });
  const target = { publishAt: broker.address, subscribeAt: broker.address };
  const { counts } = await runLoad({ ...QUICK, workload: base, target, processes: 1 });
  expect(counts.lostConnections).toBe(8);
  expect(counts.lost).toBeGreaterThan(0);
});

test('a broker that no longer speaks MQTT fails the run, also while nobody waits for an answer', async () => {
  await using broker = await startFaultyBroker({ garbageAfter: 100 });
  const target = { publishAt: broker.address, subscribeAt: broker.address };
  const { count: _, ...timed } = base;
  const run = runLoad({ ...QUICK, workload: timed, target, processes: 1 });
  await expect(run).rejects.toThrow(/malformed remaining length/);
});
