import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { filter as anyFilter, topic as anyTopic } from './topic.arbitrary.ts';
import { matches, parseFilter } from './topic-filter.ts';
import { filterToTokens, tokensToTopic, topicToTokens } from './topic-tokens.ts';
import { isDollar, parseTopic } from './topic.ts';
import type { Topic } from './topic.ts';

describe('topicToTokens', () => {
  test.each([
    ['a/b', 'a.b'],
    ['a', 'a'],
    ['/a', '%.a'],
    ['a/', 'a.%'],
    ['/', '%.%'],
    ['//', '%.%.%'],
    ['a//b', 'a.%.b'],
    ['v1.2/x', 'v1%2E2.x'],
    ['x/v1.2', 'x.v1%2E2'],
    ['a b', 'a%20b'],
    ['50%', '50%25'],
    ['%/%', '%25.%25'],
    ['*/>', '%2A.%3E'],
    ['ü', 'ü'],
    ['$SYS/ü/😀', '$SYS.ü.😀'],
  ])('%j is %j, and back', (topic, tokens) => {
    expect(topicToTokens(topic as Topic)).toBe(tokens);
    expect(tokensToTopic(tokens)).toBe(topic);
  });

  test('comes back, with a token for each level, for any topic', () => {
    fc.assert(
      fc.property(anyTopic, (topic) => {
        const tokens = topicToTokens(topic);
        expect(tokensToTopic(tokens)).toBe(topic);
        expect(tokens.split('.')).toHaveLength(topic.split('/').length);
        expect(tokens).not.toMatch(/[*> \t\r\n]|^\.|\.$|\.\./);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('tokensToTopic', () => {
  test.each([
    '',
    '%',
    '.',
    'a.',
    '.a',
    'a..b',
    '%2B',
    'a.%23',
    'a.%00',
    'a%2Fb',
    'a.*',
    'a.>',
    'a b',
    'a.%41',
    '%2.a',
    'a/b',
    'a.%.%2e',
  ])('refuses %j, which no topic is encoded as', (tokens) => expect(tokensToTopic(tokens)).toBeUndefined());

  test('accepts only what topicToTokens makes of a valid topic', () => {
    const near = fc.string({
      unit: fc.constantFrom('%', '2', '3', 'B', 'E', '0', 'a', '.', '.', '+', '/', 'ü'),
    });
    fc.assert(
      fc.property(near, (tokens) => {
        const topic = tokensToTopic(tokens);
        if (topic === undefined) return;
        expect(parseTopic(topic).ok).toBe(true);
        expect(topicToTokens(topic)).toBe(tokens);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('filterToTokens', () => {
  test.each([
    ['a/b', ['a.b']],
    ['#', ['>']],
    ['+', ['*']],
    ['a/#', ['a', 'a.>']],
    ['+/#', ['*', '*.>']],
    ['/#', ['%', '%.>']],
    ['/+/', ['%.*.%']],
    ['*/>/#', ['%2A.%3E', '%2A.%3E.>']],
    ['v1.2/+', ['v1%2E2.*']],
  ])('%j is %j', (raw, patterns) => {
    const filter = parseFilter(raw);
    expect(filter.ok && filterToTokens(filter.value)).toEqual(patterns);
  });

  /** NATS has no rule like [MQTT-4.7.2-1]: there the patterns match too much, and the receiver drops it with `matches`. */
  test('matches in NATS what the filter matches in MQTT, but for $ topics under a leading wildcard', () => {
    let matched = 0;
    fc.assert(
      fc.property(anyFilter, anyTopic, (filter, topic) => {
        const inNats = filterToTokens(filter).filter((pattern) => natsMatches(pattern, topicToTokens(topic)));
        expect(inNats.length).toBeLessThanOrEqual(1);
        const excepted = isDollar(topic) && /^[+#]/.test(filter);
        if (excepted) expect(matches(filter, topic)).toBe(false);
        else expect(matches(filter, topic)).toBe(inNats.length === 1);
        matched += inNats.length;
      }),
      { numRuns: 5000 },
    );
    expect(matched).toBeGreaterThan(100);
  });
});

/** Subject matching as NATS documents it: `*` is one token, `>` is one or more at the end. */
function natsMatches(pattern: string, subject: string): boolean {
  const p = pattern.split('.');
  const s = subject.split('.');
  for (let i = 0; i < p.length; i++) {
    if (p[i] === '>') return i === p.length - 1 && s.length > i;
    if (i >= s.length || (p[i] !== '*' && p[i] !== s[i])) return false;
  }
  return p.length === s.length;
}
