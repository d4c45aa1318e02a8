import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeClient, encodeHeaders } from './headers.ts';
import { headerReader } from './headers.arbitrary.ts';
import {
  clientToken,
  liveSubjects,
  messageSubject,
  NO_CLIENT,
  parseMessageSubject,
  publisherName,
} from './message-subject.ts';
import { text, topic as anyTopic } from './topic.arbitrary.ts';
import { parseFilter } from './topic-filter.ts';
import { tokensToTopic, topicToTokens } from './topic-tokens.ts';
import type { QoS } from './message.ts';

const qos = fc.constantFrom<QoS[]>(0, 1, 2);

describe('messageSubject', () => {
  test('is tv1.m.<q>.<client>.<topic…>', () => {
    expect(messageSubject(0, clientToken('c.1'), 'a.b')).toBe('tv1.m.0.c%2E1.a.b');
    expect(messageSubject(2, clientToken(undefined), '%.a')).toBe('tv1.m.2.-.%.a');
    expect(messageSubject(1, clientToken(''), 'a')).toBe('tv1.m.1.%.a');
  });

  test('gives back QoS, publisher and topic, for any of them', () => {
    fc.assert(
      fc.property(
        qos,
        fc.option(text, { nil: undefined }),
        fc.boolean(),
        anyTopic,
        (q, id, assigned, topic) => {
          const { token, header } = publisherName(id, assigned && id !== undefined);
          const parsed = parseMessageSubject(messageSubject(q, token, topicToTokens(topic)));
          const headers = headerReader(encodeHeaders({ client: header }));
          expect(parsed?.qos).toBe(q);
          expect(tokensToTopic(parsed?.tokens ?? '')).toBe(topic);
          expect(decodeClient(parsed?.clientToken ?? '', headers.get)).toBe(id);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('publisherName', () => {
  test('puts a client id of its own into the subject', () =>
    expect(publisherName('c.1')).toEqual({ token: 'c%2E1', header: undefined }));
  test('says - without an id', () =>
    expect(publisherName(undefined)).toEqual({ token: NO_CLIENT, header: undefined }));
  test('puts an assigned id into the header', () =>
    expect(publisherName('x', true)).toEqual({ token: NO_CLIENT, header: 'x' }));
  test('puts the client id - into the header too, since its token says that there is none', () => {
    expect(publisherName('-')).toEqual({ token: NO_CLIENT, header: '-' });
    const headers = headerReader(encodeHeaders({ client: publisherName('-').header }));
    expect(decodeClient(NO_CLIENT, headers.get)).toBe('-');
    expect(decodeClient(NO_CLIENT, () => undefined)).toBeUndefined();
  });
});

describe('parseMessageSubject', () => {
  test('reads what the stream republishes in the same way', () =>
    expect(parseMessageSubject('tv1.s.1.c.a.b')).toEqual({ qos: 1, clientToken: 'c', tokens: 'a.b' }));

  test.each([
    '',
    'tv1.m.',
    'tv1.m.3.c.a',
    'tv1.m.1',
    'tv1.m.1.',
    'tv1.m.1.c',
    'tv1.m.1.c.',
    'tv1.m.1..a',
    'tv1.m.10.c.a',
    'tv1.m.x.c.a',
    'tv1.r.1.c.a',
    'tv2.m.1.c.a',
    'foo',
  ])('refuses %j', (subject) => expect(parseMessageSubject(subject)).toBeUndefined());
});

describe('liveSubjects', () => {
  const live = (raw: string, which: 'all' | 'qos0'): string[] => {
    const filter = parseFilter(raw);
    if (!filter.ok) throw new Error(filter.error.message);
    return liveSubjects(filter.value, which);
  };
  test('covers every QoS and publisher', () => expect(live('a/+', 'all')).toEqual(['tv1.m.*.*.a.*']));
  test('covers QoS 0 only, when the log brings the rest', () =>
    expect(live('a/+', 'qos0')).toEqual(['tv1.m.0.*.a.*']));
  test('covers the parent of #', () => expect(live('a/#', 'all')).toEqual(['tv1.m.*.*.a', 'tv1.m.*.*.a.>']));
  test('is one subject for #', () => expect(live('#', 'all')).toEqual(['tv1.m.*.*.>']));
});
