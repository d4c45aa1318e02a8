import {
  matches,
  type PolicyRecord,
  type PolicyStatement,
  type Topic,
  type TopicAction,
  type TopicFilter,
} from '@trivium/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compilePermissions, type Permissions } from '../index.ts';

/**
 * A small world, enumerated: `c` and `$z` are in no pattern, and topics may be deeper than any pattern. The empty text is no topic; filters are
 * compared as if it were one, which tells `/#` from `/+/#` and refuses rather than allows.
 */
const NAMES = ['a', 'b', ''];
const DEEPEST_PATTERN = 3;
const TOPICS = topicsOf([...NAMES, 'c'], [...NAMES, 'c', '$x', '$z'], DEEPEST_PATTERN + 1);

function topicsOf(names: string[], firsts: string[], depth: number): Topic[] {
  const all: string[][] = [firsts];
  while (all.length < depth)
    all.push(all.at(-1)!.flatMap((topic) => names.map((name) => `${topic}/${name}`)));
  return all.flat() as Topic[];
}

/** A pattern as MQTT has it, but for `$+`. */
function matched(pattern: string, topic: Topic): boolean {
  if (!pattern.startsWith('$+')) return matches(pattern as TopicFilter, topic);
  return topic.startsWith('$') && matches(pattern.slice(1) as TopicFilter, topic.slice(1) as Topic);
}
const matchedBy = (pattern: string): Topic[] => TOPICS.filter((topic) => matched(pattern, topic));

const filterOf = (...firsts: string[]) =>
  fc
    .tuple(
      fc.constantFrom(...NAMES, '$x', '+', ...firsts),
      fc.array(fc.constantFrom(...NAMES, '+'), { maxLength: DEEPEST_PATTERN - 1 }),
      fc.boolean(),
      fc.boolean(),
    )
    .map(([first, more, rest, bare]) =>
      bare && rest ? '#' : [first, ...more, ...(rest ? ['#'] : [])].join('/'),
    )
    .filter((filter) => filter !== '');
const filters = filterOf();
const patterns = filterOf('$+');

const ACTIONS: TopicAction[] = ['publish', 'subscribe', 'receive'];
const statements = fc.record({
  effect: fc.constantFrom<'allow' | 'deny'>('allow', 'allow', 'deny'),
  actions: fc.subarray(ACTIONS, { minLength: 1 }),
  topics: fc.array(patterns, { minLength: 1, maxLength: 3 }),
});

const of = (own: PolicyStatement[], attributes: Record<string, string> = {}): Permissions =>
  compilePermissions({
    policies: [{ v: 1, name: 'p', groups: ['g'], statements: own } satisfies PolicyRecord],
    principal: 'p',
    client: 'c',
    attributes,
  });

test('a filter is covered by a pattern if and only if that matches every topic that the filter matches', () => {
  fc.assert(
    fc.property(filters, patterns, (filter, pattern) => {
      const covered = matchedBy(filter).every((topic) => matched(pattern, topic));
      const some = of([{ effect: 'allow', actions: ['subscribe'], topics: [pattern] }]);
      expect(some.may('subscribe', filter)).toBe(covered);
      expect(some.decide('subscribe', filter).allowed).toBe(covered);
    }),
    { numRuns: 1_000 },
  );
});

test('a filter is guarded if and only if a topic that it matches is denied', () => {
  const everything: PolicyStatement = {
    ...{ effect: 'allow', actions: ['subscribe', 'receive'], topics: ['#', '$+/#'] },
  };
  fc.assert(
    fc.property(filters, patterns, (filter, pattern) => {
      const touched = matchedBy(filter).some((topic) => matched(pattern, topic));
      const some = of([everything, { effect: 'deny', actions: ['receive'], topics: [pattern] }]);
      expect(some.subscription(filter, false)).toBe(touched ? 'guarded' : 'granted');
      expect(some.subscription(filter, true)).toBe(touched ? 'refused' : 'granted');
    }),
    { numRuns: 1_000 },
  );
});

test('deny wins, nothing is allowed by default, and what decided is what was said', () => {
  fc.assert(
    fc.property(fc.array(statements, { minLength: 1, maxLength: 6 }), (own) => {
      const some = of(own);
      const says = (effect: string, action: TopicAction, topic: Topic): boolean =>
        own.some(
          (each) =>
            each.effect === effect &&
            each.actions.includes(action) &&
            each.topics.some((pattern) => matched(pattern, topic)),
        );
      for (const action of ACTIONS)
        for (const topic of TOPICS) {
          const denied =
            says('deny', action, topic) || (action === 'receive' && says('deny', 'subscribe', topic));
          const allowed = says('allow', action, topic) && !denied;
          if (some.may(action, topic) !== allowed) throw new Error(`${action} ${topic}: not ${allowed}`);
        }
      for (const topic of TOPICS.slice(0, 200))
        for (const action of ACTIONS) {
          const { allowed, by } = some.decide(action, topic);
          if (allowed !== some.may(action, topic)) throw new Error(`${action} ${topic}: decided otherwise`);
          if (by !== undefined && own[by.statement - 1]!.effect !== by.effect)
            throw new Error('not this one');
        }
    }),
    { numRuns: 200 },
  );
});

test('through no filter comes a topic that may not be received', () => {
  fc.assert(
    fc.property(fc.array(statements, { minLength: 1, maxLength: 6 }), filters, (own, filter) => {
      const some = of(own);
      const ruling = some.subscription(filter, false);
      const shared = some.subscription(filter, true);
      if (ruling === 'granted')
        expect(matchedBy(filter).every((topic) => some.may('receive', topic))).toBe(true);
      expect(shared).toBe(ruling === 'guarded' ? 'refused' : ruling);
      const covers = (effect: string): boolean =>
        own
          .filter((each) => each.effect === effect && each.actions.includes('subscribe'))
          .some(({ topics }) =>
            topics.some((pattern) => matchedBy(filter).every((topic) => matched(pattern, topic))),
          );
      expect(ruling !== 'refused').toBe(covers('allow') && !covers('deny'));
    }),
    { numRuns: 1_000 },
  );
});

const values = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'b',
    '$x',
    '+',
    '#',
    'a/b',
    '/',
    '$',
    '$+',
    'a/#',
    '${clientId}',
    'é',
    '\u{1f600}',
    '\0',
  ),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
);
const places = fc
  .tuple(fc.constantFrom(...NAMES, '$x'), fc.array(fc.constantFrom(...NAMES), { maxLength: 2 }), fc.nat(2))
  .map(([first, more, at]) => {
    const levels = [first, ...more];
    return { levels, at: Math.min(at, levels.length - 1) };
  });
const holding = ({ levels, at }: { levels: string[]; at: number }, text: string): string =>
  levels.map((level, i) => (i === at ? level + text : level)).join('/');

test('a value never widens what is allowed: one text of one level at most, and none that begins with $', () => {
  const levels = fc.constantFrom(...NAMES, '$x', '$z', 'c');
  fc.assert(
    fc.property(places, values, fc.array(levels, { maxLength: 4 }), (place, value, other) => {
      const own: PolicyStatement[] = [
        { effect: 'allow', actions: ['subscribe', 'publish'], topics: [holding(place, '${device.v}')] },
      ];
      const some = of(own, { v: value });
      const exact = holding(place, value);
      const prefix = place.levels[place.at]!;
      const whole =
        value !== '' &&
        !/[/+#]/.test(value) &&
        !(place.at === 0 && `${prefix}${value}`[0] === '$' && prefix === '');
      expect(some.may('publish', exact), exact).toBe(whole);
      for (const topic of [
        ...TOPICS,
        other.join('/'),
        holding(place, 'c'),
        holding(place, '+'),
        holding(place, '#'),
      ])
        if (topic !== exact && some.may('subscribe', topic)) throw new Error(`allows ${topic}`);
      for (const filter of ['#', '+', '+/#', `${exact}/#`, '$x/#'])
        if (filter !== exact && some.may('subscribe', filter)) throw new Error(`allows ${filter}`);
    }),
    { numRuns: 300 },
  );
});

test('a value that is no text of a level denies whatever another one would deny', () => {
  const bad = fc.constantFrom(undefined, '', '/', '+', '#', 'a/b', 'a+');
  fc.assert(
    fc.property(places, bad, values, (place, none, value) => {
      const own: PolicyStatement[] = [
        { effect: 'allow', actions: ['publish'], topics: ['#', '$+/#'] },
        { effect: 'deny', actions: ['publish'], topics: [holding(place, '${device.v}')] },
      ];
      const [less, more] = [of(own, { v: value }), of(own, none === undefined ? {} : { v: none })];
      for (const topic of [...TOPICS, ...(/[/+#]/.test(value) ? [] : [holding(place, value)])])
        if (more.may('publish', topic) && !less.may('publish', topic))
          throw new Error(`does not deny ${topic}`);
    }),
    { numRuns: 300 },
  );
});

test('a client id is meant by a pattern as if each * were tried with every length', () => {
  const naive = (pattern: string, client: string): boolean => {
    if (pattern === '') return client === '';
    if (pattern[0] !== '*') return pattern[0] === client[0] && naive(pattern.slice(1), client.slice(1));
    return naive(pattern.slice(1), client) || (client !== '' && naive(pattern, client.slice(1)));
  };
  const text = (...units: string[]) => fc.string({ unit: fc.constantFrom(...units), maxLength: 7 });
  fc.assert(
    fc.property(
      text('a', 'b', '*').filter((pattern) => pattern !== ''),
      text('a', 'b'),
      (pattern, client) => {
        const policy: PolicyRecord = {
          ...{ v: 1, name: 'p', groups: ['g'] },
          statements: [{ effect: 'allow', actions: ['connect'], clients: [pattern] }],
        };
        const some = compilePermissions({ policies: [policy], principal: 'p', client });
        expect(some.mayConnect).toBe(naive(pattern, client));
      },
    ),
    { numRuns: 2_000 },
  );
});
