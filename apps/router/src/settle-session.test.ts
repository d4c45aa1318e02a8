import type { Clock } from '@trivium/actors';
import type { Bucket, Bus, OnceMessage } from '@trivium/bus';
import { decodeJson, encodeJson, SessionRecord, sessionKey, TriviumError } from '@trivium/contracts';
import { expect, test } from 'vitest';
import { createSettler } from './settle-session.ts';
import { sessionRecord, will } from './testing/session-door.ts';
import { createWillAges } from './will-ages.ts';

/** One session in memory, and the wills that are published: what this router can know of their age decides whether the log is searched. */
function setup(record: SessionRecord, mayLeave = (_topic: string) => Promise.resolve(true)) {
  let now = 1_000_000;
  let tellState: (up: boolean) => void = () => undefined;
  const clock: Clock = { monotonicMs: () => now, wallMs: () => now, after: () => () => undefined };
  let stored: { value: Uint8Array; revision: number } | undefined = {
    value: encodeJson(SessionRecord, record),
    revision: 1,
  };
  let beforeWrite: (() => void) | undefined;
  const put = (value: Uint8Array, expect: number | undefined): number | undefined => {
    beforeWrite?.();
    beforeWrite = undefined;
    if (stored?.revision !== expect) return undefined;
    stored = { value, revision: (expect ?? 0) + 1 };
    return stored.revision;
  };
  const sessions = {
    get: (key: string) => Promise.resolve(stored === undefined ? undefined : { key, ...stored }),
    put: (_key: string, value: Uint8Array, options: { expect?: number }) =>
      Promise.resolve(put(value, options.expect)),
    delete(_key: string, expect?: number) {
      if (stored?.revision !== expect) return Promise.resolve(false);
      stored = undefined;
      return Promise.resolve(true);
    },
  } as unknown as Bucket;
  const published: { id: string; old: boolean }[] = [];
  const bus = {
    bucket: () => sessions,
    storeOnce({ msgId, old }: OnceMessage) {
      published.push({ id: msgId, old });
      return Promise.resolve(1);
    },
    onState(listener: (up: boolean) => void) {
      tellState = listener;
      return () => undefined;
    },
  } as unknown as Bus;
  const ages = createWillAges(bus, clock);
  const written = { revision: 0, seenMs: -Infinity };
  const settle = createSettler({
    bus,
    holds: () => true,
    nowMs: () => Date.now(),
    isLost: (door) => Promise.resolve(door === 'dead'),
    lostMs: ages.lostMs,
    writtenMs: (_client, revision) => (revision === written.revision ? written.seenMs : -Infinity),
    isOld: ages.isOld,
    mayLeave: (_client, { topic }) => mayLeave(topic),
  });
  return {
    settle: () => settle('a'),
    ages,
    published,
    written,
    pass: (ms: number) => (now += ms),
    reconnect: () => tellState(true),
    now: () => now,
    stored: () => stored && decodeJson(SessionRecord, stored.value),
    /** Somebody writes between the look at the record and the write. */
    meanwhile(change: (record: SessionRecord) => SessionRecord) {
      beforeWrite = () => {
        const read = decodeJson(SessionRecord, stored!.value);
        if (!read.ok) throw new Error(read.error.message);
        const value = encodeJson(SessionRecord, change(read.value));
        stored = { value, revision: stored!.revision + 1 };
      };
    },
    key: sessionKey('a'),
  };
}

const dead = sessionRecord({ door: 'dead', connection: 'c', epoch: 5, will: will('gone') });

test('the will of a door that this router saw die is not searched for', async () => {
  const { settle, ages, published, pass } = setup(dead);
  ages.doorLost('dead');
  pass(30_000);
  expect(await settle()).toEqual({ settled: true, wills: 1, denied: 0 });
  expect(published).toEqual([{ id: 'will/a/5', old: false }]);
});

test('a will is searched for when the door died unseen, long ago, or just after a reconnect', async () => {
  const unseen = setup(dead);
  await unseen.settle();
  expect(unseen.published).toEqual([{ id: 'will/a/5', old: true }]);

  const longAgo = setup(dead);
  longAgo.ages.doorLost('dead');
  longAgo.pass(61_000);
  await longAgo.settle();
  expect(longAgo.published).toEqual([{ id: 'will/a/5', old: true }]);

  const afterOutage = setup(dead);
  afterOutage.reconnect();
  afterOutage.pass(5_000);
  afterOutage.ages.doorLost('dead');
  await afterOutage.settle();
  expect(afterOutage.published).toEqual([{ id: 'will/a/5', old: true }]);
});

test('wills of connections before the last one are searched for, whenever the door died', async () => {
  const { settle, ages, published } = setup({ ...dead, due: [{ epoch: 3, will: will('gone'), after: 0 }] });
  ages.doorLost('dead');
  await settle();
  expect(published).toEqual([
    { id: 'will/a/3', old: true },
    { id: 'will/a/5', old: false },
  ]);
});

test('a will that another router left due is searched for unless this one saw it written', async () => {
  const due = [{ epoch: 5, will: will('gone'), after: 0 }];
  const seen = setup(sessionRecord({ epoch: 6, due }));
  seen.written.revision = 1;
  seen.written.seenMs = seen.now();
  await seen.settle();
  expect(seen.published).toEqual([{ id: 'will/a/5', old: false }]);

  const found = setup(sessionRecord({ epoch: 6, due }));
  await found.settle();
  expect(found.published).toEqual([{ id: 'will/a/5', old: true }]);
});

test('a client that comes back meanwhile keeps its session, and its door publishes the will', async () => {
  const { settle, meanwhile, published, stored } = setup(dead);
  meanwhile((record) => ({
    ...record,
    door: 'living',
    epoch: 6,
    due: [{ epoch: 5, will: record.will!, after: 0 }],
  }));
  expect(await settle()).toEqual({ settled: false, wills: 0, denied: 0 });
  expect(published).toEqual([]);
  expect(stored()).toMatchObject({ ok: true, value: { door: 'living', epoch: 6 } });
});

test('a will that is not allowed any more is not published, and the session is freed all the same', async () => {
  const { settle, published, stored } = setup(dead, (topic) => Promise.resolve(topic !== 'gone'));
  expect(await settle()).toEqual({ settled: true, wills: 0, denied: 1 });
  expect(published).toEqual([]);
  const left = stored();
  expect(left?.ok && [left.value.door, left.value.due]).toEqual([undefined, undefined]);
});

test('while nobody says whether a will may be published it waits', async () => {
  let ask = (): Promise<boolean> => Promise.reject(new TriviumError('bus.unavailable'));
  const { settle, published, stored } = setup(dead, () => ask());
  await expect(settle()).rejects.toMatchObject({ code: 'bus.unavailable' });
  const left = stored();
  expect(left?.ok && left.value.due).toHaveLength(1);
  ask = () => Promise.resolve(true);
  expect(await settle()).toMatchObject({ settled: true, wills: 1 });
  expect(published).toHaveLength(1);
});
