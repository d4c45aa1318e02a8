import type { Bucket, Bus } from '@trivium/bus';
import { SleepIndex } from '@trivium/sessions';
import { expect, test } from 'vitest';
import { createIndexCheckpoints } from './index-checkpoints.ts';
import { silent } from './testing/session-door.ts';

/** One key, by compare-and-set. */
function setup() {
  let stored: { value: Uint8Array; revision: number } | undefined;
  let last = 0;
  let failing = false;
  const bucket = {
    get: (key: string) => Promise.resolve(stored && { key, ...stored }),
    put(_key: string, value: Uint8Array, { expect }: { expect?: number } = {}) {
      if (failing) return Promise.reject(new Error('no answer'));
      if ((stored?.revision ?? 0) !== expect) return Promise.resolve(undefined);
      stored = { value: value.slice(), revision: ++last };
      return Promise.resolve(last);
    },
  } as unknown as Bucket;
  const bus = { bucket: () => bucket } as unknown as Bus;
  const router = async () => {
    const checkpoints = createIndexCheckpoints(bus, silent);
    const { checkpoint, snapshot } = await checkpoints.read(1);
    const reading = { feed: undefined, after: snapshot?.pos ?? 100 };
    const index = new SleepIndex({ limits: { maxMessages: Infinity, maxBytes: Infinity } });
    index.open(new Map([[1, reading]]));
    const partition = index.partition(1)!;
    return {
      reading,
      partition,
      checkpoints,
      write: (through: number) => checkpoints.write(1, partition, checkpoint, through),
    };
  };
  return { router, revision: () => stored?.revision ?? 0, fail: (value: boolean) => (failing = value) };
}

test('a partition is written when something changed in it, or when the log has gone far on', async () => {
  const { router, revision } = setup();
  const { write, partition, reading } = await router();
  await write(Infinity);
  expect(revision()).toBe(1);
  reading.after = 200;
  await write(Infinity);
  expect(revision()).toBe(1);
  partition.changed = true;
  await write(Infinity);
  expect(revision()).toBe(2);
  reading.after = 100_500;
  await write(Infinity);
  expect(revision()).toBe(3);
  partition.changed = true;
  await write(150);
  expect(revision()).toBe(3);
});

test('a stale owner does not overwrite what its successor wrote', async () => {
  const { router, revision } = setup();
  const stale = await router();
  await stale.write(Infinity);
  const next = await router();
  next.partition.changed = true;
  await next.write(Infinity);
  expect(revision()).toBe(2);
  stale.partition.changed = true;
  await stale.write(Infinity);
  expect(revision()).toBe(2);
  expect(stale.checkpoints.stats.writes).toBe(1);
});

test('a write without an answer is repeated on what is there', async () => {
  const { router, revision, fail } = setup();
  const { write, checkpoints } = await router();
  fail(true);
  await write(Infinity);
  fail(false);
  expect(checkpoints.stats.failed).toBe(1);
  await write(Infinity);
  expect(revision()).toBe(1);
});
