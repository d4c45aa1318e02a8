import fc from 'fast-check';
import { parseFilter } from './topic-filter.ts';
import { parseTopic } from './topic.ts';
import type { TopicFilter } from './topic-filter.ts';
import type { Topic } from './topic.ts';

/** Any well-formed Unicode text: every code point but surrogates. */
export const text = fc.string({ unit: 'binary' });

/** Levels that are easily equal, and those that a codec gets wrong. */
const trickyLevel = fc.constantFrom(
  '',
  'a',
  'b',
  '$x',
  '$',
  '*',
  '>',
  '*a',
  ' ',
  '.',
  'a.b',
  '%',
  '%41',
  '%2E',
  '-',
  'ü',
  '😀',
  '\t',
  '\r\n',
  '\ufffe',
);

const levels = (wildcards: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof({ weight: 6, arbitrary: trickyLevel }, { weight: 1, arbitrary: text }, ...wildcards), {
      minLength: 1,
      maxLength: 6,
    })
    .map((parts) => parts.join('/'));

function valid<T>(parse: (raw: string) => { ok: true; value: T } | { ok: false }): (raw: string) => T[] {
  return (raw) => {
    const parsed = parse(raw);
    return parsed.ok ? [parsed.value] : [];
  };
}

function only<T>(raw: fc.Arbitrary<string>, take: (raw: string) => T[]): fc.Arbitrary<T> {
  return raw
    .map(take)
    .filter((found) => found.length === 1)
    .map((found) => found[0]!);
}

export const topic: fc.Arbitrary<Topic> = only(
  levels([]),
  valid((raw) => parseTopic(raw)),
);

const rawFilter = fc
  .tuple(levels([fc.constant('+'), fc.constant('+')]), fc.constantFrom('', '', '/#', '#'))
  .map(([path, end]) => (end === '#' ? '#' : path + end));

export const filter: fc.Arbitrary<TopicFilter> = only(
  rawFilter,
  valid((raw) => parseFilter(raw)),
);
