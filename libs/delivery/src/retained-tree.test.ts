import { matches, parseFilter, parseTopic, type Topic } from '@trivium/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RetainedTree } from './retained-tree.ts';

const level = fc.constantFrom('a', 'b', '', '$SYS');
const topics = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((raw) => parseTopic(raw).ok);
const filters = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 3 }), fc.boolean())
  .map(([levels, multi]) => (multi ? [...levels, '#'] : levels).join('/'))
  .filter((raw) => parseFilter(raw).ok);

it('finds the topics that a subscription would match [MQTT3-4.7.1-2] [MQTT3-4.7.1-3] [MQTT3-4.7.2-1] [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.2-1]', () => {
  fc.assert(
    fc.property(fc.uniqueArray(topics), fc.array(fc.nat()), filters, (all, gone, raw) => {
      const tree = new RetainedTree<string>();
      const kept = new Set(all as Topic[]);
      for (const topic of kept) tree.set(topic, topic);
      for (const n of gone) {
        const topic = all[n % Math.max(1, all.length)] as Topic | undefined;
        if (topic === undefined) continue;
        tree.delete(topic);
        kept.delete(topic);
      }
      const filter = parseFilter(raw);
      if (!filter.ok) return;
      const found: string[] = [];
      tree.match(filter.value, (topic) => found.push(topic));
      expect(found.sort()).toEqual([...kept].filter((topic) => matches(filter.value, topic)).sort());
      expect(tree.size).toBe(kept.size);
    }),
  );
});
