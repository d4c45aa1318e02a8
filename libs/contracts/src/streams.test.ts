import { expect, test } from 'vitest';
import { BUCKETS } from './buckets.ts';
import { messageSubject, NO_CLIENT } from './message-subject.ts';
import { STREAMS } from './streams.ts';
import { clientSubject, eventSubject, retainedSubject } from './subjects.ts';
import type { StreamName } from './streams.ts';

/** Streams that store what is published on `subject`. All patterns of the table end in `>`. */
const storedBy = (subject: string): StreamName[] =>
  (Object.keys(STREAMS) as StreamName[]).filter((name) =>
    STREAMS[name].subjects.some(
      (pattern) => pattern.endsWith('.>') && subject.startsWith(pattern.slice(0, -1)),
    ),
  );

test('durable messages, retained ones and events are stored each by one stream; live messages and requests by none', () => {
  expect(storedBy(messageSubject(1, NO_CLIENT, 'a'))).toEqual(['MESSAGES']);
  expect(storedBy(messageSubject(2, 'c', 'a.b'))).toEqual(['MESSAGES']);
  expect(storedBy(messageSubject(0, 'c', 'a.b'))).toEqual([]);
  expect(storedBy(retainedSubject('a.b'))).toEqual(['RETAINED']);
  expect(storedBy(eventSubject('connected', 'c'))).toEqual(['EVENTS']);
  expect(storedBy(clientSubject('d', 'c'))).toEqual([]);
});

test('no two streams claim the same subjects, which the server would refuse', () => {
  const prefixes = Object.values(STREAMS).flatMap((stream) =>
    stream.subjects.map((pattern) => pattern.slice(0, -1)),
  );
  for (const [i, prefix] of prefixes.entries())
    for (const other of prefixes.slice(i + 1))
      expect(prefix.startsWith(other) || other.startsWith(prefix)).toBe(false);
});

test('what must expire by itself has a bucket that allows it', () =>
  expect(
    Object.entries(BUCKETS)
      .filter(([, settings]) => settings.ttl)
      .map(([name]) => name),
  ).toEqual(['sessions', 'qos2', 'commands', 'leases']));
