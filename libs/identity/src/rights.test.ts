import { expect, test } from 'vitest';
import type { Access, FilterRuling } from './access.ts';
import { ANONYMOUS_PRINCIPAL } from './principal.ts';
import { createRights } from './rights.ts';

/** An access whose answers the test changes. */
function setUp(expiresAt?: number) {
  const identity = { version: 1 };
  const rulings: Record<string, FilterRuling> = { all: 'guarded', own: 'granted' };
  const at = { isThere: true, renewals: 0, mayReceive: false };
  const access: Access = {
    principal: { ...ANONYMOUS_PRINCIPAL, name: 'pump', ...(expiresAt === undefined ? {} : { expiresAt }) },
    ...{ unrestricted: false, version: 0, mayAdminister: false },
    may: () => at.mayReceive,
    subscription: (filter) => rulings[filter] ?? 'refused',
    renew() {
      at.renewals++;
      return at.isThere;
    },
  };
  return { identity, rulings, at, access, rights: createRights(identity, access) };
}

test('messages are asked for once a filter brings more than may be received', () => {
  const { rights } = setUp();
  expect([rights.subscribe('own'), rights.guarded, rights.mayReceive('x')]).toEqual([true, false, true]);
  expect(rights.subscribe('others')).toBe(false);
  expect([rights.subscribe('all'), rights.guarded, rights.mayReceive('x')]).toEqual([true, true, false]);
});

test('nothing is looked at while nothing has changed', () => {
  const { rights, at, identity } = setUp();
  expect([rights.holds(0), rights.holds(1_000), at.renewals]).toEqual([true, true, 0]);
  identity.version++;
  expect([rights.holds(2_000), rights.holds(3_000), at.renewals]).toEqual([true, true, 1]);
});

test('who is gone stays gone, however often it is asked', () => {
  const { rights, at, identity } = setUp();
  at.isThere = false;
  expect(rights.holds(0)).toBe(true);
  identity.version++;
  expect([rights.holds(1), rights.holds(2)]).toEqual([false, false]);
});

test('a proof with an end is looked at when it is over', () => {
  const { rights, at } = setUp(5_000);
  at.isThere = false;
  expect([rights.holds(4_999), rights.holds(5_000)]).toEqual([true, false]);
});

test('a filter that is not allowed any more ends it, unless it has been given up', () => {
  const { rights, rulings, identity } = setUp();
  rights.subscribe('own');
  rights.subscribe('all');
  delete rulings['all'];
  rights.unsubscribe('all');
  identity.version++;
  expect([rights.holds(1), rights.guarded]).toEqual([true, false]);
  delete rulings['own'];
  identity.version++;
  expect(rights.holds(2)).toBe(false);
});

test('another proof is what counts from then on', () => {
  const { rights } = setUp(1_000);
  expect(rights.renew(setUp(9_000).access)).toBe(true);
  expect(rights.holds(5_000)).toBe(true);
});
