import { expect, test, vi } from 'vitest';
import type { FindingKind } from './accounts/findings.ts';
import { chaos, type ChaosOptions, type ChaosPace } from './chaos.ts';
import { summarise } from './report/summary.ts';
import type { Misdeeds } from './testing/misdeeds.ts';
import { startScriptedBroker } from './testing/scripted-broker.ts';

vi.setConfig({ testTimeout: 60_000 });

/** The broker of the tests has no leases to wait for. */
const PACE: ChaosPace = {
  ...{ actionMs: [100, 400], awayMs: [50, 300], answerMs: 4_000, pingMs: 300, peekMs: 600, retryMs: [5, 30] },
  ...{
    takeoverMs: 1_500,
    leaseMs: 100,
    willMs: 1_500,
    pauseMs: [100, 300],
    downMs: [0, 100],
    frozenMs: [300, 500],
  },
  ...{ backMs: 10_000, stallMs: 3_000, quietMs: 200 },
};

function options(change: Partial<ChaosOptions> = {}): ChaosOptions {
  return {
    ...{
      seed: 11,
      kills: 6,
      calmMs: 1_500,
      withFreezes: false,
      ratePerS: 400,
      publishers: 6,
      subscribers: 8,
    },
    ...{ pace: PACE, signal: new AbortController().signal, progress: () => undefined },
    ...change,
  };
}

async function run(misdeeds: Misdeeds, change: Partial<ChaosOptions> = {}) {
  await using broker = await startScriptedBroker(misdeeds);
  const result = await chaos(broker, options(change));
  return {
    summary: summarise(result),
    examples: result.world.findings.examples,
    done: broker.done,
    lost: broker.lost.size,
    result,
  };
}

test.concurrent('a broker that does nothing wrong passes, with kills and without', async () => {
  const { summary, examples, result } = await run({}, { kills: 12 });
  expect(examples).toEqual([]);
  expect(summary.passed).toBe(true);
  expect(summary.total).toMatchObject({ kills: 12, lost: 0, qos2Duplicates: 0, outOfOrder: 0 });
  expect(summary.rows.map(({ kind }) => kind).toSorted()).toEqual(
    [
      'before the first',
      'NATS',
      'NATS and a door',
      "publishers' door",
      'router',
      "subscribers' door",
    ].toSorted(),
  );
  const { tally, messages } = result.world;
  expect(messages.acknowledged).toBe(messages.sent);
  expect(summary.total.messages).toBe(messages.sent);
  // All of what clients do has happened, else it was no test of anything.
  for (const times of [
    tally.takeovers,
    tally.freezes,
    tally.unsubscribes,
    tally.wills,
    tally.retainedDeliveries,
  ]) {
    expect(times).toBeGreaterThan(0);
  }
  expect(tally.repeatedExchanges).toBeGreaterThan(0);
  expect([...tally.ends.keys()]).toEqual(
    expect.arrayContaining(['disconnected', 'dropped', 'ended', 'taken over']),
  );

  const calm = await run({}, { kills: 0 });
  expect(calm.examples).toEqual([]);
});

type Case = [misdeeds: Misdeeds, found: FindingKind[], change?: Partial<ChaosOptions>];

/** With each misdeed: what has to be found, and what may be found with it; nothing else. */
const CASES: Case[] = [
  [{ loseEvery: 50 }, ['lost', 'out of order']],
  [{ loseBeforeKill: true }, ['lost']],
  [{ repeatEvery: 20 }, ['qos 2 duplicate']],
  [{ swapEvery: 20 }, ['out of order', 'lost']],
  [{ strayEvery: 10 }, ['unasked']],
  [{ corruptEvery: 50 }, ['corrupt', 'lost', 'out of order']],
  [{ flagEvery: 50 }, ['wrong retain flag', 'lost', 'retained wrong', 'out of order']],
  [{ downgradeEvery: 30 }, ['wrong qos']],
  [{ cutEvery: 100 }, ['unexpected end']],
  [{ forgetsIncomingEvery: 20 }, ['qos 2 duplicate', 'out of order', 'not acknowledged', 'retained wrong']],
  [{ hidesRepeats: true }, ['dup missing']],
  [
    { reusesIdsEvery: 100 },
    [
      'packet id in use',
      'lost',
      'out of order',
      'qos 2 duplicate',
      'dup missing',
      'subscription gone',
      'retained wrong',
    ],
  ],
  [{ silentAt: 50 }, ['not acknowledged'], { kills: 0 }],
  [{ answersTwiceAt: 50 }, ['protocol']],
  [{ forgetsFilterAt: 2 }, ['lost', 'subscription gone', 'wrong qos']],
  [{ forgetsSessionAt: 2 }, ['session gone', 'lost', 'subscription gone']],
  [{ keepsFormer: true }, ['still open'], { kills: 0, calmMs: 4_000 }],
  [{ wills: 'never' }, ['will missing']],
  [{ wills: 'twice' }, ['will twice']],
  [{ wills: 'after DISCONNECT' }, ['will after disconnect']],
  [{ wills: 'garbled' }, ['corrupt', 'will missing', 'retained wrong']],
  [{ willDelayMs: 600 }, ['will late', 'will missing', 'retained wrong'], { pace: { ...PACE, willMs: 200 } }],
  [{ retained: 'first' }, ['retained wrong']],
  [{ retained: 'none' }, ['retained wrong']],
  [{ retained: 'twice' }, ['retained wrong']],
];

test.concurrent.each<Case>(CASES)('%j is found: %j', async (misdeeds, found, change) => {
  const { summary, done, lost, examples } = await run(misdeeds, change);
  const kinds = Object.keys(summary.findings);
  const [first = 'lost'] = found;
  expect(kinds).toContain(first);
  const others = examples.filter(({ kind }) => !found.includes(kind));
  expect(others).toEqual([]);
  expect(summary.passed).toBe(false);
  if (lost > 0) expect(summary.total.lost).toBe(lost);
  if (first === 'qos 2 duplicate' && done.has('repeatEvery')) {
    expect(summary.total.qos2Duplicates).toBe(done.get('repeatEvery'));
  }
});

test.concurrent.each<[Misdeeds, RegExp]>([
  [{ grantsLess: true }, /: chaos\/#: 1/],
  [{ refusesAt: 3 }, /return code 2/],
  [{ inventsSessions: true }, /at (door|observer)/],
])('a broker with %j is not worth a run', async (misdeeds, message) => {
  await expect(run(misdeeds)).rejects.toThrow(message);
});

test.concurrent('a door that stays away is found, and the run ends', async () => {
  const { summary } = await run({ staysAway: true }, { kills: 2, pace: { ...PACE, backMs: 1_000 } });
  expect(Object.keys(summary.findings)).toContain('not back');
});
