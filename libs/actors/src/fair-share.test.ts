import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fairShare, planPlacement } from './fair-share.ts';

const PARTITIONS = 32;

/** Lets routers act on their plans, one after the other, until none has anything to do. */
function balance(owners: (string | undefined)[], routers: readonly string[]): number {
  const members = new Set(routers);
  for (let round = 0; round < 20; round++) {
    let moved = false;
    for (const self of routers) {
      const plan = planPlacement({ owners, members, self });
      for (const partition of plan.claim) owners[partition] = self;
      for (const partition of plan.give) owners[partition] = undefined;
      moved ||= plan.claim.length + plan.give.length > 0;
    }
    if (!moved) return round;
  }
  throw new Error('never settles');
}

function counts(owners: readonly (string | undefined)[], routers: readonly string[]): number[] {
  return routers.map((router) => owners.filter((owner) => owner === router).length);
}

test('a lone router plans to take everything at once', () => {
  const owners = new Array<string | undefined>(PARTITIONS).fill(undefined);
  const plan = planPlacement({ owners, members: new Set(), self: 'a' });
  expect(plan.claim).toHaveLength(PARTITIONS);
  expect(plan.give).toEqual([]);
});

test('a second router gets half within one plan of each', () => {
  const owners = new Array<string | undefined>(PARTITIONS).fill('a');
  expect(planPlacement({ owners, members: new Set(['a', 'b']), self: 'b' }).claim).toEqual([]);
  expect(planPlacement({ owners, members: new Set(['a', 'b']), self: 'a' }).give).toHaveLength(16);
});

test('from any placement it settles, with every partition owned and nobody above the fair share', () => {
  const some = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(
      some,
      fc.array(fc.nat({ max: 45 }), { minLength: PARTITIONS, maxLength: PARTITIONS }),
      (n, before) => {
        const routers = Array.from({ length: n }, (_, i) => `router${i}`);
        // Numbers beyond the routers stand for free partitions.
        const owners = before.map((i) => routers[i]);
        balance(owners, routers);
        expect(owners.every((owner) => owner !== undefined)).toBe(true);
        expect(Math.max(...counts(owners, routers))).toBeLessThanOrEqual(fairShare(PARTITIONS, n));
      },
    ),
  );
});

test('when a router leaves, the others take over what it held and keep what they hold', () => {
  const owners = new Array<string | undefined>(PARTITIONS).fill(undefined);
  balance(owners, ['a', 'b', 'c']);
  const kept = owners.map((owner) => (owner === 'c' ? undefined : owner));
  const after = [...kept];
  balance(after, ['a', 'b']);
  expect(counts(after, ['a', 'b'])).toEqual([16, 16]);
  for (const [partition, owner] of kept.entries())
    if (owner !== undefined) expect(after[partition]).toBe(owner);
});

test('nothing is planned for a partition that another router holds', () => {
  const owners = Array.from({ length: PARTITIONS }, (_, i) => (i < 20 ? 'b' : i < 24 ? 'a' : undefined));
  const plan = planPlacement({ owners, members: new Set(['a', 'b']), self: 'a' });
  expect([...plan.claim].sort((a, b) => a - b)).toEqual([24, 25, 26, 27, 28, 29, 30, 31]);
  expect(plan.give).toEqual([]);
});
