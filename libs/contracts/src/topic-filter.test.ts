import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { filter as anyFilter, topic as anyTopic } from './topic.arbitrary.ts';
import { matches, parseFilter } from './topic-filter.ts';
import { parseTopic } from './topic.ts';
import type { TopicFilter } from './topic-filter.ts';

const codeOf = (raw: string, limits?: Parameters<typeof parseFilter>[1]): string => {
  const parsed = parseFilter(raw, limits);
  return parsed.ok ? 'ok' : parsed.error.code;
};

describe('parseFilter', () => {
  test.each([
    'a',
    '#',
    '+',
    '/',
    '/+',
    '+/',
    '+/+',
    '/#',
    '+/#',
    'a/+/b',
    'a/#',
    '+/tennis/#',
    '$SYS/#',
    '$share',
    '$shared/a/b',
    '\ufffe',
  ])('accepts %j as it is', (raw) => expect(parseFilter(raw)).toEqual({ ok: true, value: raw }));

  test('[MQTT3-4.7.3-1] [MQTT-4.7.3-1] refuses the empty filter', () =>
    expect(codeOf('')).toBe('filter.invalid'));

  test.each(['a#', 'sport/tennis#', 'sport/tennis/#/ranking', '#/', '##', '/#/', '#a', 'a/#b', '#+'])(
    '[MQTT3-4.7.1-2] [MQTT-4.7.1-1] refuses %j: # is the last level and stands alone',
    (raw) => expect(codeOf(raw)).toBe('filter.invalid'),
  );

  test.each(['sport+', '+sport', 'a/b+', 'a/+b/c', '++', '+#', 'a/++/b', '+😀'])(
    '[MQTT3-4.7.1-3] [MQTT-4.7.1-2] refuses %j: + stands alone',
    (raw) => expect(codeOf(raw)).toBe('filter.invalid'),
  );

  test.each(['\0', 'a/\0', '+/\0'])('[MQTT3-4.7.3-2] [MQTT-4.7.3-2] refuses U+0000 in %j', (raw) =>
    expect(codeOf(raw)).toBe('filter.invalid'),
  );

  test.each(['\ud800', '+/\udc00', 'a\ud800'])(
    '[MQTT3-1.5.3-1] [MQTT-1.5.4-1] refuses the lone surrogate in %j',
    (raw) => expect(codeOf(raw)).toBe('filter.invalid'),
  );

  test('[MQTT3-4.7.3-3] [MQTT-4.7.3-3] keeps to the limits', () => {
    expect(codeOf('ü/+', { maxTopicBytes: 4, maxTopicLevels: 2 })).toBe('ok');
    expect(codeOf('ü/+', { maxTopicBytes: 3, maxTopicLevels: 2 })).toBe('topic.too-long');
    expect(codeOf('ü/+', { maxTopicBytes: 4, maxTopicLevels: 1 })).toBe('topic.too-deep');
  });

  test('does not take a shared subscription for a filter', () =>
    expect(codeOf('$share/g/a')).toBe('share.unsupported'));
});

describe('matches', () => {
  const match = (filter: string, topic: string): boolean => {
    const f = parseFilter(filter);
    const t = parseTopic(topic);
    if (!f.ok || !t.ok) throw new Error('not a test of parsing');
    return matches(f.value, t.value);
  };

  test.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1'],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking'],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon'],
    ['sport/#', 'sport'],
    ['sport/#', 'sport/'],
    ['#', 'a/b'],
    ['#', '/'],
    ['sport/tennis/+', 'sport/tennis/player1'],
    ['sport/+', 'sport/'],
    ['+/+', '/finance'],
    ['/+', '/finance'],
    ['+/#', 'a'],
    ['+/#', '/'],
    ['/#', '/'],
    ['a//b', 'a//b'],
    ['a/+/b', 'a//b'],
    ['$SYS/#', '$SYS/a'],
    ['$SYS/#', '$SYS'],
    ['$SYS/monitor/+', '$SYS/monitor/Clients'],
    ['+/$SYS', 'a/$SYS'],
  ])('[MQTT3-4.7.3-4] [MQTT3-3.3.2-3] [MQTT-4.7.3-4] [MQTT-3.3.2-3] %j matches %j', (filter, topic) =>
    expect(match(filter, topic)).toBe(true),
  );

  test.each([
    ['sport/tennis/+', 'sport/tennis/player1/ranking'],
    ['sport/+', 'sport'],
    ['+', '/finance'],
    ['+', '/'],
    ['a', 'a/'],
    ['a/', 'a'],
    ['a', '/a'],
    ['a/b', 'a'],
    ['a/b/#', 'a'],
    ['a', 'ab'],
    ['ab', 'a'],
    ['a/#', 'ab'],
    ['ACCOUNTS', 'Accounts'],
    ['/#', 'a'],
  ])('[MQTT3-4.7.3-4] [MQTT3-3.3.2-3] [MQTT-4.7.3-4] [MQTT-3.3.2-3] %j does not match %j', (filter, topic) =>
    expect(match(filter, topic)).toBe(false),
  );

  test.each([
    ['#', '$SYS/a'],
    ['#', '$SYS'],
    ['+', '$x'],
    ['+/monitor/Clients', '$SYS/monitor/Clients'],
    ['+/#', '$SYS'],
  ])('[MQTT3-4.7.2-1] [MQTT-4.7.2-1] %j, which begins with a wildcard, does not match %j', (filter, topic) =>
    expect(match(filter, topic)).toBe(false),
  );

  test('is what comparing level by level says, for any filter and topic', () => {
    fc.assert(
      fc.property(anyFilter, anyTopic, (filter, topic) => {
        expect(matches(filter, topic)).toBe(levelByLevel(filter, topic));
      }),
      { numRuns: 3000 },
    );
  });

  test('a filter made of a topic by putting wildcards in matches it', () => {
    fc.assert(
      fc.property(anyTopic, fc.infiniteStream(fc.boolean()), fc.nat(6), (topic, wild, cut) => {
        fc.pre(!topic.startsWith('$'));
        const levels = topic.split('/').map((level) => (wild.next().value ? '+' : level));
        const filter = (cut < levels.length ? [...levels.slice(0, cut), '#'] : levels).join('/');
        expect(matches(filter as TopicFilter, topic)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

function levelByLevel(filter: string, topic: string): boolean {
  const f = filter.split('/');
  const t = topic.split('/');
  if (topic.startsWith('$') && (f[0] === '+' || f[0] === '#')) return false;
  if (f.at(-1) === '#') {
    f.pop();
    if (t.length < f.length) return false;
    t.length = f.length;
  }
  return f.length === t.length && f.every((level, i) => level === '+' || level === t[i]);
}
