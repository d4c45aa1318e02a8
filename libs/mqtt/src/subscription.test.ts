import fc from 'fast-check';
import { parseFilter, type TopicFilter } from '@trivium/contracts';
import { expect, test } from 'vitest';
import { storedBytes, Subscriptions, type RequestedSubscription } from './subscription.ts';
import { delivered } from './testing/fake-delivery.ts';

const level = fc.constantFrom('a', 'b', 'c', '+');
const filter = fc
  .tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, multi]) => [...levels, ...(multi ? ['#'] : [])].join('/') as TopicFilter);
const subscription = fc.record({
  filter,
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  noLocal: fc.boolean(),
  retainAsPublished: fc.boolean(),
  id: fc.integer({ min: 1, max: 1_000 }),
});

const filled = (ofMqtt5: boolean, all: readonly RequestedSubscription[]): Subscriptions => {
  const made = new Subscriptions(ofMqtt5);
  for (const one of all) made.set(one);
  return made;
};

test('many filters say of a message what they would say if each was compared with its topic', () => {
  fc.assert(
    fc.property(
      fc.array(subscription, { minLength: 150, maxLength: 300 }),
      fc.array(filter, { maxLength: 100 }),
      fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      (all, gone, levels, isOwn) => {
        const [sought, compared] = [filled(true, all), filled(false, all)];
        for (const one of gone) {
          sought.delete(one);
          compared.delete(one);
        }
        const message = delivered({ topic: levels.join('/'), client: isOwn ? 'me' : 'other' });
        const inOrder = ({ ids = [], ...rest }: Partial<ReturnType<Subscriptions['match']>> = {}) => ({
          ...rest,
          ids: ids.toSorted((a, b) => a - b),
        });
        expect(inOrder(sought.match(message, 'me'))).toEqual(inOrder(compared.match(message, 'me')));
        expect([sought.size, sought.special, sought.bytes]).toEqual([
          compared.size,
          compared.special,
          compared.bytes,
        ]);
      },
    ),
    { numRuns: 200 },
  );
});

test('an option counts as long as a filter has it', () => {
  const plain = { filter: 'a' as TopicFilter, qos: 1 as const, noLocal: false, retainAsPublished: false };
  const subscriptions = filled(true, [plain, { ...plain, filter: 'b' as TopicFilter, id: 1 }]);
  expect(subscriptions.special).toBe(true);
  subscriptions.set({ ...plain, filter: 'b' as TopicFilter });
  expect(subscriptions.special).toBe(false);
  subscriptions.set({ ...plain, noLocal: true });
  subscriptions.delete('a' as TopicFilter);
  expect([subscriptions.special, subscriptions.size, subscriptions.has('b' as TopicFilter)]).toEqual([
    false,
    1,
    true,
  ]);
});

test('what is stored of a filter takes no more than is counted for it', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', minLength: 1 }),
      subscription,
      fc.boolean(),
      (raw, options, isPlain) => {
        const parsed = parseFilter(raw);
        fc.pre(parsed.ok);
        const one = isPlain
          ? { filter: parsed.value, qos: options.qos, noLocal: false, retainAsPublished: false }
          : { ...options, id: 268_435_455, filter: parsed.value };
        const [stored] = filled(true, [one]).stored([{ ...one, from: 9_999_999_999_999 }]);
        expect(Buffer.byteLength(`,${JSON.stringify(stored)}`)).toBeLessThanOrEqual(storedBytes(one));
      },
    ),
  );
});
