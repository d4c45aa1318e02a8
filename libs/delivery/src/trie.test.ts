import { matches, parseFilter, parseTopic } from '@trivium/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FilterTrie } from './trie.ts';

const level = fc.constantFrom('a', 'b', '', '$SYS', 'ü');
const topics = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));
const filters = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 0, maxLength: 4 }), fc.boolean())
  .map(([levels, multi]) => (multi ? [...levels, '#'] : levels).join('/'));

const found = (trie: FilterTrie<string>, topic: string): string[] => {
  const seen: string[] = [];
  trie.match(topic, (value) => seen.push(value));
  return seen.sort();
};

describe('FilterTrie', () => {
  it('finds exactly the filters that match, whatever was added and removed before [MQTT3-4.7.1-2] [MQTT3-4.7.1-3] [MQTT3-4.7.2-1] [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.2-1]', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(filters),
        fc.array(fc.nat()),
        fc.array(topics, { minLength: 1 }),
        (all, gone, names) => {
          const legal = all.flatMap((raw) => {
            const parsed = parseFilter(raw);
            return parsed.ok ? [parsed.value] : [];
          });
          const trie = new FilterTrie<string>();
          for (const filter of legal) trie.add(filter, filter);
          const kept = new Set(legal);
          for (const n of gone) {
            const filter = legal[n % Math.max(1, legal.length)];
            if (filter !== undefined) expect(trie.remove(filter, filter)).toBe(kept.delete(filter));
          }
          expect(trie.size).toBe(kept.size);
          for (const raw of names) {
            const topic = parseTopic(raw);
            if (!topic.ok) continue;
            expect(found(trie, raw)).toEqual(
              [...kept].filter((filter) => matches(filter, topic.value)).sort(),
            );
          }
        },
      ),
    );
  });

  it('keeps several values of one filter apart', () => {
    const trie = new FilterTrie<string>();
    trie.add('a/+', 'x');
    trie.add('a/+', 'y');
    trie.add('a/+', 'y');
    expect(found(trie, 'a/b')).toEqual(['x', 'y']);
    expect(trie.remove('a/+', 'x')).toBe(true);
    expect(trie.remove('a/+', 'x')).toBe(false);
    expect(found(trie, 'a/b')).toEqual(['y']);
  });
});
