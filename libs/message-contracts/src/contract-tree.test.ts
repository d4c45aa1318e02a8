import { matches, parseFilter, parseTopic, type Topic, type TopicFilter } from '@trivium/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createContractTree } from './contract-tree.ts';
import { overlapsOf } from './overlaps.ts';
import { bySpecificity } from './specificity.ts';

const level = fc.constantFrom('a', 'b', '', '$x');
const topics = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((topic) => parseTopic(topic).ok) as fc.Arbitrary<Topic>;
const filters = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '', '$x', '+'), { maxLength: 4 }), fc.boolean())
  .map(([levels, rest]) => [...levels, ...(rest ? ['#'] : [])].join('/'))
  .filter((filter) => parseFilter(filter).ok) as fc.Arbitrary<TopicFilter>;

it('finds the first, in the order of specificity, of the filters that match', () => {
  fc.assert(
    fc.property(fc.uniqueArray(filters, { maxLength: 12 }), topics, (all, topic) => {
      const tree = createContractTree<TopicFilter>();
      for (const filter of all) expect(tree.add(filter, filter)).toBe(true);
      const first = all.filter((filter) => matches(filter, topic)).sort(bySpecificity)[0];
      expect(tree.find(topic)).toBe(first);
    }),
    { numRuns: 2_000 },
  );
});

it.each([
  [
    'plant/line1/temperature',
    ['plant/line1/temperature', 'plant/line1/+', 'plant/+/temperature', 'plant/#', '#'],
  ],
  ['plant/line1/temperature', ['plant/line1/#', 'plant/+/temperature', '+/line1/temperature']],
  ['plant', ['plant', 'plant/#', '+', '+/#', '#']],
])('on %s the order is %j', (topic, order) => {
  const all = order as TopicFilter[];
  expect(all.every((filter) => matches(filter, topic as Topic))).toBe(true);
  expect([...all].reverse().sort(bySpecificity)).toEqual(all);
});

it('keeps the first of two values for one filter', () => {
  const tree = createContractTree<number>();
  const filter = 'a/+' as TopicFilter;
  expect([tree.add(filter, 1), tree.add(filter, 2)]).toEqual([true, false]);
  expect(tree.find('a/b' as Topic)).toBe(1);
});

it('filters overlap when a topic matches both, and the more specific one is named', () => {
  fc.assert(
    fc.property(filters, filters, (a, b) => {
      // A topic of both, if there is one: wildcards filled with what the other has there.
      const left = a.split('/');
      const right = b.split('/');
      const levels = Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
        const [x, y] = [left[i] ?? '', right[i] ?? ''];
        const plain = [x, y].find((each) => each !== '+' && each !== '#' && each !== '');
        return plain ?? '';
      });
      const tries = Array.from({ length: levels.length }, (_, i) => levels.slice(0, i + 1).join('/'));
      const common = [...tries, ...tries.map((each) => `${each}/a`)].find(
        (topic) => parseTopic(topic).ok && matches(a, topic as Topic) && matches(b, topic as Topic),
      );
      const [overlap] = overlapsOf([
        { name: 'a', filter: a },
        { name: 'b', filter: b },
      ]);
      if (common !== undefined) expect(overlap).toBeDefined();
      if (a === b) expect(overlap?.first).toBeUndefined();
      else if (overlap !== undefined) expect(overlap.first).toBe(bySpecificity(a, b) < 0 ? 'a' : 'b');
    }),
    { numRuns: 1_000 },
  );
  const apart = overlapsOf([
    { name: 'a', filter: 'a/+/c' },
    { name: 'b', filter: 'a/b/d' },
    { name: 'c', filter: '$SYS/#' },
    { name: 'd', filter: '#' },
  ]);
  expect(apart.map(({ contracts }) => contracts.join())).toEqual(['a,d', 'b,d']);
});
