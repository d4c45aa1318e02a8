import { parseFilter, type TopicFilter } from '@trivium/contracts';
import { expect, test } from 'vitest';
import type { Message } from './codec.ts';
import { answered, ask, createEntry, logEndsAt, takers, type Entry } from './subscriptions.ts';

const filterOf = (text: string): TopicFilter => {
  const filter = parseFilter(text);
  if (!filter.ok) throw new Error(text);
  return filter.value;
};
const entry = (text: string, more: { qos?: 0 | 1; retained?: boolean; from?: number } = {}): Entry =>
  createEntry(
    {
      filter: filterOf(text),
      qos: more.qos ?? 1,
      handler: () => undefined,
      retained: more.retained ?? false,
    },
    more.from,
  );
const message = (topic: string, pos?: number, retain = false): Message => ({
  topic,
  payload: '',
  qos: 1,
  retain,
  ...(pos === undefined ? {} : { pos }),
});
const frames = (entries: Entry[], end = 0, nowMs = 0) => ask(entries, end, nowMs).map(({ frame }) => frame);

test('those with a position go on together from the least, those without and those of QoS 0 begin now', () => {
  const [a, b, c, d] = [
    entry('a', { from: 40 }),
    entry('b', { from: 30 }),
    entry('c'),
    entry('d', { qos: 0, from: 5 }),
  ];
  expect(frames([a, b, c, d])).toEqual([
    {
      op: 'sub',
      filters: [
        { filter: 'a', qos: 1 },
        { filter: 'b', qos: 1 },
      ],
      retained: false,
      from: 30,
    },
    {
      op: 'sub',
      filters: [
        { filter: 'c', qos: 1 },
        { filter: 'd', qos: 0 },
      ],
      retained: false,
    },
  ]);
  for (const one of [a, b]) answered(one, 30, 0);
  expect(takers([a, b], message('a', 35), 0)).toEqual([]);
  expect(takers([a, b], message('b', 36), 0)).toEqual([b]);
  expect(takers([a, b], message('a', 41), 0)).toEqual([a]);
});

test('positions move on with what comes for others', () => {
  const [a, b] = [entry('a'), entry('b')];
  ask([a, b], 10, 0);
  for (const one of [a, b]) answered(one, 10, 0);
  expect(takers([a, b], message('b', 17), 0)).toEqual([b]);
  expect([a.pos, b.pos]).toEqual([17, 17]);
});

test('what is older than a subscription is not its, although the client still catches up with another one', () => {
  const [old, fresh] = [entry('x/#', { from: 10 }), entry('x/y')];
  ask([old], 100, 0);
  answered(old, 10, 0);
  ask([fresh], 100, 0);
  answered(fresh, 12, 0);
  expect(takers([old, fresh], message('x/y', 50), 0)).toEqual([old]);
  expect(takers([old, fresh], message('x/y', 101), 0)).toEqual([old, fresh]);
});

test('a log that lost its end gives positions out again: what is new there is not taken for old', () => {
  const a = entry('a', { from: 5_000 });
  logEndsAt([a], 20);
  expect(frames([a], 20)).toMatchObject([{ from: 20 }]);
  answered(a, 20, 0);
  expect(takers([a], message('a', 21), 0)).toEqual([a]);
});

test('retained messages go to those that asked, once they are answered', () => {
  const [asks, not] = [entry('a', { retained: true }), entry('#')];
  const kept = message('a', undefined, true);
  expect(frames([asks, not])).toMatchObject([{ retained: true }]);
  expect(takers([asks, not], kept, 0)).toEqual([]);
  for (const one of [asks, not]) answered(one, 0, 0);
  expect(takers([asks, not], kept, 0)).toEqual([asks]);
});

test('they are asked for again when the connection ended among them, and not long after', () => {
  const a = entry('a', { retained: true });
  ask([a], 0, 0);
  answered(a, 7, 0);
  takers([a], message('a', undefined, true), 9_000);
  expect(frames([a], 0, 18_999)).toMatchObject([{ retained: true, from: 7 }]);
  expect(frames([a], 0, 19_000)).toMatchObject([{ retained: false, from: 7 }]);
});

test('live messages are given at once', () => {
  const [a, b] = [entry('a', { qos: 0 }), entry('a')];
  ask([a, b], 0, 0);
  expect(takers([a, b], message('a'), 0)).toEqual([a, b]);
});
