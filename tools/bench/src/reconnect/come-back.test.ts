import { expect, test } from 'vitest';
import { type Faults, startFaultyBroker } from '../generator/faulty-broker.ts';
import { Account } from './account.ts';
import { comeBack } from './come-back.ts';
import { createSessions } from './create-sessions.ts';
import { planSessions } from './session-plan.ts';
import { storeMessages } from './store-messages.ts';

const MESSAGES = 50;
const SESSIONS = 30;

async function round(faults: Faults) {
  const broker = await startFaultyBroker(faults);
  const { all, back } = planSessions('t', SESSIONS, 20);
  const account = new Account(back.map(({ index }) => index));
  const common = { doors: [broker.address], payloadBytes: 32, readBuffer: Buffer.alloc(65_536) };
  await createSessions(all, common.doors, common.readBuffer);
  const once = async () => {
    const from = account.owe(MESSAGES);
    await storeMessages({
      ...{ ...common, sessions: back, prefix: 't' },
      ...{ publishers: 3, messages: MESSAGES, from },
    });
    return await comeBack({
      ...{ ...common, sessions: back, turn: 0, account },
      ...{ atOnce: 7, giveUpMs: 500, settleMs: 50 },
    });
  };
  return { broker, once, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() };
}

test('what sessions missed is accounted for, round after round', async () => {
  await using site = await round({});
  const expected = { expected: 1_000, delivered: 1_000, lost: 0, repeated: 0, reordered: 0, misrouted: 0 };
  const first = await site.once();
  expect(first).toMatchObject({ sessionsPresent: 20, lostConnections: 0, counts: expected });
  expect(first.secs).toBeGreaterThanOrEqual(first.firstSecs);
  expect(first.secs).toBeLessThan(30);
  expect(await site.once()).toMatchObject({ sessionsPresent: 20, counts: expected });
});

test('a broker that does wrong is found out', async () => {
  const faults = { drop: 0.02, duplicate: 0.02, stray: 0.02, truncate: 0.02 };
  await using site = await round(faults);
  const { counts } = await site.once();
  const { done } = site.broker;
  expect(Object.values(done).filter((count) => count > 0)).toHaveLength(4);
  // A stray one may go to a session that does not come back.
  expect(counts).toMatchObject({
    ...{ lost: done.dropped + done.truncated, repeated: done.duplicated, malformed: done.truncated },
    delivered: 1_000 - done.dropped - done.truncated,
  });
});

test('a message that overtakes another one is found out', async () => {
  await using site = await round({ swap: 0.05 });
  const { counts } = await site.once();
  expect(site.broker.done.swapped).toBeGreaterThan(0);
  expect(counts).toMatchObject({ reordered: site.broker.done.swapped, repeated: 0, misrouted: 0 });
});

test('a session that was forgotten is not present', async () => {
  await using site = await round({});
  const { back } = planSessions('unknown', 10, 10);
  const account = new Account([]);
  const result = await comeBack({
    ...{ sessions: back, doors: [site.broker.address], turn: 0, account, payloadBytes: 32 },
    ...{ atOnce: 5, giveUpMs: 500, settleMs: 0, readBuffer: Buffer.alloc(65_536) },
  });
  expect(result.sessionsPresent).toBe(0);
});

test('a broker that lets nobody in is reported', async () => {
  await using broker = await startFaultyBroker({ connackCode: 3 });
  const { back } = planSessions('t', 4, 4);
  const result = comeBack({
    ...{ sessions: back, doors: [broker.address], turn: 0, account: new Account([]), payloadBytes: 32 },
    ...{ atOnce: 2, giveUpMs: 500, settleMs: 0, readBuffer: Buffer.alloc(65_536) },
  });
  await expect(result).rejects.toThrow(/CONNECT refused with return code 3/);
});
