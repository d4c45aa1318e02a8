import { matches, parseFilter, topicToTokens, type Topic, type TopicFilter } from '@trivium/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readIndexSnapshot, writeIndexSnapshot } from './index-snapshot.ts';
import type { LogFilter, Sleep } from './session-view.ts';
import { SleepIndex, type SleepIndexOptions } from './sleep-index.ts';

const NO_LIMITS = { maxMessages: Infinity, maxBytes: Infinity };
const P = 3;

/** An index with one partition on one reading, and the log that it reads. */
function setup(options: Partial<SleepIndexOptions> = {}, after = 0) {
  const log = new Map<number, { topic: string; size: number }>();
  let last = after;
  let index = new SleepIndex({ limits: NO_LIMITS, ...options });
  let reading = { feed: { pos: after }, after };
  index.begin(after);
  index.open(new Map([[P, reading]]));
  const read = (through: number): void => {
    while (reading.feed.pos < through) {
      const pos = ++reading.feed.pos;
      const message = log.get(pos);
      if (message !== undefined)
        index.consider(reading.feed, pos, topicToTokens(message.topic as Topic), message.size);
    }
  };
  return {
    get index() {
      return index;
    },
    get last() {
      return last;
    },
    store(topic: string, size = 10, gap = 1) {
      last += gap;
      log.set(last, { topic, size });
      return last;
    },
    /** The index has read up to here. */
    read: (through = last) => read(through),
    publish(...topics: string[]) {
      for (const topic of topics) log.set(++last, { topic, size: 10 });
      read(last);
    },
    /** Another process takes the partition from what was stored of it at `pos`. */
    handOver(pos: number, sleeping: ReadonlyMap<string, Sleep>) {
      const bytes = writeIndexSnapshot(index.partition(P)!, pos, 1 << 20).slice();
      const snapshot = readIndexSnapshot(bytes, options.keep)!;
      index = new SleepIndex({ limits: NO_LIMITS, ...options });
      reading = { feed: { pos: snapshot.pos }, after: snapshot.pos };
      index.begin(snapshot.pos);
      index.open(new Map([[P, reading]]));
      for (const [client, sleep] of sleeping)
        index.sleep(P, client, sleep, snapshot.take(client, sleep.filters));
    },
    wanted: (filters: readonly LogFilter[], above: number, through: number): number[] =>
      [...log]
        .filter(
          ([pos, { topic }]) =>
            pos > above && pos <= through && filters.some((one) => wants(one, pos, topic)),
        )
        .map(([pos]) => pos),
    answer: (client: string, cursor: number, upTo: number) => index.answer(P, client, cursor, upTo),
  };
}

function wants({ filter, from }: LogFilter, pos: number, topic: string): boolean {
  const parsed = parseFilter(filter);
  return pos > from && parsed.ok && matches(parsed.value as TopicFilter, topic as Topic);
}

const on = (...filters: string[]): LogFilter[] => filters.map((filter) => ({ filter, from: 0 }));

test('positions of matching messages, once each, and not those at or below where a filter began', () => {
  const { index, publish, answer } = setup();
  index.sleep(P, 'a', { cursor: 0, filters: [...on('a/+', 'a/#'), { filter: 'b', from: 4 }] });
  publish('a/1', 'b', 'c', 'b', 'b', 'a', '$a/1');
  index.settle();
  expect(answer('a', 0, 7)).toEqual({ v: 1, from: 0, through: 7, positions: [1, 5, 6] });
  expect(answer('a', 1, 5)).toEqual({ v: 1, from: 0, through: 5, positions: [5] });
});

test('of a session that nobody knows nothing is known', () => {
  const { answer } = setup();
  expect(answer('nobody', 5, 9)).toEqual({ v: 1, from: 0, through: 0, positions: [] });
});

test('a session that goes to sleep gets what lies between its cursor and the reading from the recent messages', () => {
  const { index, publish, answer } = setup({ recent: 4 });
  publish('x', 'a', 'x', 'a', 'a', 'x');
  index.sleep(P, 'near', { cursor: 3, filters: on('a') });
  index.sleep(P, 'far', { cursor: 1, filters: on('a') });
  index.sleep(P, 'ahead', { cursor: 8, filters: on('a') });
  index.settle();
  publish('a', 'a', 'a');
  expect(answer('near', 3, 9)).toEqual({ v: 1, from: 3, through: 9, positions: [4, 5, 7, 8, 9] });
  expect(answer('far', 1, 9)).toMatchObject({ from: 2, positions: [4, 5, 7, 8, 9] });
  expect(answer('ahead', 8, 9)).toEqual({ v: 1, from: 8, through: 9, positions: [9] });
});

test('more than is kept is counted: the answer ends before the first that is only counted', () => {
  const { index, publish, answer } = setup({ keep: 2 });
  index.sleep(P, 'a', { cursor: 0, filters: on('a') });
  index.settle();
  publish('a', 'x', 'a', 'x', 'a', 'a');
  expect(answer('a', 0, 6)).toEqual({ v: 1, from: 0, through: 4, positions: [1, 3] });
  expect(index.totals()).toEqual({ sessions: 1, positions: 2, messages: 4, bytes: 40 });
});

test('limits: the oldest go, the answer says so until the client has passed them', () => {
  const { index, publish, answer } = setup({ limits: { maxMessages: 2, maxBytes: Infinity } });
  index.sleep(P, 'a', { cursor: 0, filters: on('a') });
  index.settle();
  publish('a', 'a', 'x', 'a', 'a');
  expect(answer('a', 0, 5)).toEqual({
    ...{ v: 1, from: 0, through: 5, positions: [4, 5] },
    dropped: { pos: 2, messages: 2, bytes: 20 },
  });
  expect(answer('a', 2, 5).dropped).toBeUndefined();
  expect(index.dropped).toBe(2);
  const small = setup({ limits: { maxMessages: Infinity, maxBytes: 25 } });
  small.index.sleep(P, 'a', { cursor: 0, filters: on('a') });
  small.index.settle();
  small.publish('a', 'a', 'a');
  expect(small.answer('a', 0, 3)).toMatchObject({
    positions: [2, 3],
    dropped: { pos: 1, messages: 1, bytes: 10 },
  });
});

test('a client that is back keeps its positions for a while, and goes on with them when it leaves again', () => {
  const { index, publish, answer } = setup({ recent: 2 });
  const filters = on('a');
  index.sleep(P, 'a', { cursor: 0, filters });
  index.settle();
  publish('a', 'a');
  index.wake(P, 'a', 1_000);
  publish('a', 'x', 'x', 'x');
  expect(answer('a', 0, 6).positions).toEqual([1, 2, 3]);
  index.sleep(P, 'a', { cursor: 2, filters: [...filters] });
  index.forgetAwake(Infinity);
  publish('a');
  expect(answer('a', 2, 7)).toEqual({ v: 1, from: 2, through: 7, positions: [3, 7] });
  index.wake(P, 'a', 1_000);
  index.forgetAwake(1_000);
  expect(answer('a', 2, 7).positions).toEqual([3, 7]);
  index.forgetAwake(1_001);
  expect(answer('a', 2, 7).through).toBe(0);
});

test('with other filters than before it begins anew', () => {
  const { index, publish, answer } = setup();
  index.sleep(P, 'a', { cursor: 0, filters: on('a') });
  publish('a', 'b');
  index.wake(P, 'a', 0);
  index.sleep(P, 'a', { cursor: 1, filters: on('b') });
  expect(answer('a', 1, 2)).toEqual({ v: 1, from: 1, through: 2, positions: [2] });
});

test('an answer never goes beyond what was asked for: a filter that began since is not in it', () => {
  const { index, publish, answer } = setup();
  index.sleep(P, 'a', { cursor: 0, filters: on('a') });
  publish('a', 'a', 'a', 'a');
  expect(answer('a', 0, 2)).toEqual({ v: 1, from: 0, through: 2, positions: [1, 2] });
});

test('a partition is bound to its own reading, and messages that another one repeats are not taken twice', () => {
  const index = new SleepIndex({ limits: NO_LIMITS });
  const common = { pos: 10 };
  const scan = { pos: 4 };
  const [now, behind] = [
    { feed: common, after: 10 },
    { feed: scan, after: 4 },
  ];
  index.begin(4);
  index.open(
    new Map([
      [1, now],
      [2, behind],
    ]),
  );
  index.sleep(1, 'a', { cursor: 10, filters: on('t') });
  index.sleep(2, 'b', { cursor: 4, filters: on('t') });
  index.settle();
  const consider = (feed: { pos: number }, pos: number): void => {
    feed.pos = pos;
    index.consider(feed, pos, 't', 1);
  };
  consider(common, 11);
  for (let pos = 5; pos <= 11; pos++) consider(scan, pos);
  behind.after = 11;
  behind.feed = common;
  consider(common, 12);
  expect(index.answer(1, 'a', 10, 12).positions).toEqual([11, 12]);
  expect(index.answer(2, 'b', 4, 12).positions).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
  index.close(2);
  expect(index.answer(2, 'b', 4, 12).through).toBe(0);
  expect(index.tidy()).toBe(false);
  consider(common, 13);
  expect(index.answer(1, 'a', 10, 13).positions).toEqual([11, 12, 13]);
});

test('the recent messages of a reading that lies behind do not cover a partition that begins further on', () => {
  const index = new SleepIndex({ limits: NO_LIMITS });
  const feed = { pos: 5 };
  index.begin(5);
  index.open(
    new Map([
      [1, { feed, after: 5 }],
      [2, { feed, after: 8 }],
    ]),
  );
  index.sleep(2, 'a', { cursor: 4, filters: on('t') });
  index.settle();
  for (feed.pos = 6; feed.pos <= 10; feed.pos++) index.consider(feed, feed.pos, 't', 1);
  expect(index.answer(2, 'a', 4, 10)).toEqual({ v: 1, from: 8, through: 10, positions: [9, 10] });
});

test('a snapshot that cannot be read is none, and a session in it with other filters is not taken', () => {
  const { index, publish } = setup();
  index.sleep(P, 'a', { cursor: 0, filters: on('a') });
  index.settle();
  publish('a');
  const bytes = writeIndexSnapshot(index.partition(P)!, 1, 1 << 20).slice();
  expect(readIndexSnapshot(bytes)?.take('a', on('a'))).toMatchObject({ from: 0 });
  expect(readIndexSnapshot(bytes)?.take('a', on('b'))).toBeUndefined();
  expect(readIndexSnapshot(bytes)?.take('b', on('a'))).toBeUndefined();
  for (const broken of [bytes.slice(0, -1), new Uint8Array(0), bytes.with(0, 2)])
    expect(readIndexSnapshot(broken)).toBeUndefined();
});

test('a snapshot keeps to its size: what does not fit is left out', () => {
  const { index, publish } = setup();
  for (let i = 0; i < 100; i++) index.sleep(P, `client-${i}`, { cursor: 0, filters: on('a') });
  index.settle();
  publish(...Array.from({ length: 200 }, () => 'a'));
  const whole = writeIndexSnapshot(index.partition(P)!, 200, 1 << 20).length;
  const half = writeIndexSnapshot(index.partition(P)!, 200, whole / 2);
  expect(half.length).toBeLessThanOrEqual(whole / 2);
  const read = readIndexSnapshot(half)!;
  const taken = Array.from({ length: 100 }, (_, i) => read.take(`client-${i}`, on('a'))).filter(Boolean);
  expect(taken.length).toBeGreaterThan(40);
});

test('whatever sleeps, wakes, is published and handed over: what an answer covers is what a scan would find', () => {
  const topic = fc.constantFrom('a', 'a/b', 'a/b/c', 'b', '$s', 'b/');
  const filter = fc.constantFrom('a', 'a/#', '+/b', '#', '+', 'b/+', '$s');
  const client = fc.constantFrom('c1', 'c2', 'c3');
  const step = fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({ store: topic, gap: fc.integer({ min: 1, max: 3 }), size: fc.nat(50) }),
    },
    { weight: 4, arbitrary: fc.record({ read: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        sleep: client,
        filters: fc.array(fc.record({ filter, back: fc.nat(20) }), { maxLength: 3 }),
        same: fc.boolean(),
        behind: fc.nat(15),
      }),
    },
    { weight: 2, arbitrary: fc.record({ wake: client }) },
    { weight: 1, arbitrary: fc.record({ handOver: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    { weight: 1, arbitrary: fc.constant('settle' as const) },
  );
  const limits = fc.record({ keep: fc.constantFrom(3, 1_000), recent: fc.constantFrom(4, 100) });
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 120 }), (options, steps) => {
      const at = setup(options, 100);
      const sleeping = new Map<string, Sleep>();
      const latest = new Map<string, Sleep>();
      for (const one of steps) {
        const here = at.index.partition(P)!.reading.feed!.pos;
        if (one === 'settle') at.index.settle();
        else if ('store' in one) at.store(one.store, one.size, one.gap);
        else if ('read' in one) at.read(here + Math.ceil((at.last - here) * one.read));
        else if ('wake' in one) {
          if (sleeping.delete(one.wake)) at.index.wake(P, one.wake, 0);
        } else if ('handOver' in one) {
          at.index.settle();
          at.handOver(100 + Math.floor((here - 100) * one.handOver), sleeping);
        } else if (!sleeping.has(one.sleep)) {
          const before = latest.get(one.sleep);
          const cursor = Math.max(before?.cursor ?? 100, at.last - one.behind);
          const filters =
            one.same && before !== undefined
              ? before.filters
              : one.filters.map(({ filter, back }) => ({ filter, from: Math.max(0, at.last - back) }));
          sleeping.set(one.sleep, { cursor, filters });
          latest.set(one.sleep, { cursor, filters });
          at.index.sleep(P, one.sleep, { cursor, filters });
        }
        for (const [name, { cursor, filters }] of latest) {
          const { from, through, positions } = at.answer(name, cursor, at.last);
          const covered = positions.filter((pos) => pos > from);
          if (through > from) expect(covered).toEqual(at.wanted(filters, Math.max(cursor, from), through));
        }
      }
      // Nothing that the index could know is missing from what it says.
      at.read();
      for (const [name, { filters, cursor }] of sleeping) {
        const { from, through } = at.answer(name, cursor, at.last);
        if (at.wanted(filters, from, at.last).length <= options.keep) expect(through).toBe(at.last);
      }
    }),
    { numRuns: 500 },
  );
});
