import type { PolicyStatement } from '@trivium/contracts';
import { expect, test } from 'vitest';
import { checkPolicy } from '../index.ts';

const policy = (statements: unknown[], more: object = {}): unknown => ({
  ...{ v: 1, name: 'p', groups: ['g'], statements },
  ...more,
});
const good: PolicyStatement = { effect: 'allow', actions: ['publish'], topics: ['a/${clientId}/#'] };

const faultsOf = (raw: unknown): string[] => {
  const checked = checkPolicy(raw);
  return checked.ok ? [] : checked.error.message.split('\n');
};

test('a policy is taken as it is', () => {
  const raw = policy([
    good,
    { effect: 'deny', actions: ['subscribe', 'receive'], topics: ['$SYS/#', '$+/#', '+/${device.site}/x'] },
    { effect: 'allow', actions: ['connect', 'admin'], clients: ['${principal}-*', '*'] },
  ]);
  expect(checkPolicy(raw)).toEqual({ ok: true, value: raw });
});

test.each<[string, unknown, string]>([
  [
    'an unknown placeholder',
    policy([{ ...good, topics: ['a', 'a/${site}'] }]),
    '/statements/0/topics/1 ${site} is',
  ],
  [
    'one without an end',
    policy([{ ...good, topics: ['a/${clientId'] }]),
    '/statements/0/topics/0 ${clientId does',
  ],
  [
    'one without a name',
    policy([{ ...good, topics: ['${device.}'] }]),
    '/statements/0/topics/0 ${device.} is',
  ],
  ['a bad filter', policy([good, { ...good, topics: ['a/#/b'] }]), '/statements/1/topics/0 # stands alone'],
  ['a wildcard beside text', policy([{ ...good, topics: ['a+'] }]), '/statements/0/topics/0 + stands alone'],
  [
    'a wildcard beside a placeholder',
    policy([{ ...good, topics: ['${clientId}+'] }]),
    '/statements/0/topics/0 +',
  ],
  ['$+ that is not first', policy([{ ...good, topics: ['a/$+'] }]), '/statements/0/topics/0 + stands alone'],
  [
    'a shared filter',
    policy([{ ...good, topics: ['$share/g/a'] }]),
    '/statements/0/topics/0 what is asked about',
  ],
  [
    'no topics',
    policy([{ effect: 'allow', actions: ['admin', 'publish'] }]),
    '/statements/0/actions/1 publish never',
  ],
  [
    'no clients',
    policy([{ effect: 'allow', actions: ['connect'] }]),
    '/statements/0/actions/0 connect never',
  ],
  [
    'topics for nothing',
    policy([{ effect: 'allow', actions: ['admin'], topics: ['a'] }]),
    '/statements/0/topics never',
  ],
  ['clients for nothing', policy([{ ...good, clients: ['*'] }]), '/statements/0/clients never'],
  [
    'a bad client id',
    policy([{ effect: 'allow', actions: ['connect'], clients: ['${x}'] }]),
    '/statements/0/clients/0 ${x}',
  ],
  ['a group twice', policy([good], { groups: ['g', 'g'] }), '/groups/1 names g again'],
  ['a name of ours', policy([good], { name: 'built-in.devices' }), '/name must not begin with'],
  [
    'an unknown action',
    policy([{ ...good, actions: ['fly'] }]),
    '/statements/0/actions/0 must be one of connect, publish',
  ],
  [
    'an unknown effect',
    policy([{ ...good, effect: 'permit' }]),
    '/statements/0/effect must be allow or deny',
  ],
  ['an unknown member', policy([{ ...good, topic: 'a' }]), '/statements/0/topic is not known'],
  ['a member that is missing', policy([{ effect: 'allow' }]), '/statements/0 must have'],
  ['no statement', policy([]), '/statements'],
  ['nothing', undefined, '/'],
])('%s is refused by its path', (_, raw, fault) => {
  expect(faultsOf(raw)).toHaveLength(1);
  expect(faultsOf(raw)[0]).toContain(fault);
});

test('every fault is told', () => {
  const many = policy([
    { ...good, topics: ['a/#/b', '${x}'] },
    { effect: 'allow', actions: ['connect'] },
  ]);
  expect(faultsOf(many)).toHaveLength(3);
  expect(faultsOf({ v: 2, name: '', groups: [], statements: [good] })).toHaveLength(3);
});
