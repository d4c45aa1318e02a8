import type {
  CredentialRecord,
  DoorLease,
  PolicyRecord,
  PolicyStatement,
  Presence,
  SessionRecord,
  SessionSubscription,
  Topic,
} from '@trivium/contracts';
import { describe, expect, test } from 'vitest';
import { explanationOf, type Door, type Facts } from './index.ts';

const subscription = (filter: string, qos: 0 | 1 | 2 = 1): SessionSubscription => ({ filter, qos, from: 3 });
const session = (more: Partial<SessionRecord> = {}): SessionRecord => ({
  ...{
    v: 1,
    epoch: 1,
    door: 'd1',
    connection: 'c1',
    connectedAt: 5,
    principal: 'dev1',
    clean: false,
    pos: 10,
  },
  ...{ subscriptions: [subscription('plant/#')], open: [], exactlyOnce: false },
  ...more,
});
const away = (more: Partial<SessionRecord> = {}): SessionRecord => {
  const { door: _, connection: __, ...rest } = session(more);
  return rest;
};
const lease: DoorLease = { v: 1, incarnation: 'd1', service: 'mqtt-ingress', host: 'edge', startedAt: 1 };
const door = (filters: Door['filters'] = { attached: true, subscriptions: [] }): Door => ({ lease, filters });
const presence = (online: boolean, more: Partial<Presence> = {}): Presence => ({
  ...{ v: 1, client: 'dev1', online, pos: 1, ...(online ? { door: 'd1', service: 'ws-ingress' } : {}) },
  ...more,
});
const credential = (groups: string[], disabled?: true): CredentialRecord => ({
  ...{ v: 1, name: 'dev1', groups, createdAt: 1, updatedAt: 1 },
  ...(disabled === undefined ? {} : { disabled }),
});
const policies = (...statements: PolicyStatement[]): Map<string, PolicyRecord> =>
  new Map([['site', { v: 1, name: 'site', groups: ['devices'], statements }]]);
const everything: PolicyStatement[] = [
  { effect: 'allow', actions: ['publish', 'subscribe', 'receive'], topics: ['#'] },
  { effect: 'allow', actions: ['connect'], clients: ['*'] },
];

const facts = (more: Partial<Facts> = {}): Facts => ({
  ...{ client: 'dev1', topic: 'plant/line1/speed' as Topic, token: {}, nowMs: 1_000 },
  ...{ session: session(), presence: presence(true), doors: [door()], retained: undefined },
  ...{ principal: { name: 'dev1', from: 'session' }, credential: credential([]), keys: [], attributes: {} },
  ...{ policies: new Map(), contracts: [], log: { first: 1, last: 22 }, unreadable: [] },
  ...more,
});
const verdict = (more: Partial<Facts> = {}) => {
  const { delivered, verdict } = explanationOf(facts(more));
  return `${delivered}: ${verdict}`;
};
/** Its presence has not heard of it yet. */
const gone = { session: away(), doors: [door({ attached: false, subscriptions: [] })] };
const withSubscriptions = (...subscriptions: SessionSubscription[]) => ({
  session: session({ subscriptions }),
});

describe('is delivered', () => {
  test('by a subscription of who is connected, the one with the highest QoS', () => {
    expect(verdict()).toBe('yes: is delivered: by «plant/#», at QoS 1, at mqtt-ingress on edge');
    expect(verdict(withSubscriptions(subscription('#', 0), subscription('plant/+/speed', 2)))).toBe(
      'yes: is delivered: by «plant/+/speed», at QoS 2, at mqtt-ingress on edge',
    );
  });

  test('by what its door says, when no record says what it is subscribed to', () => {
    const told = door({ attached: true, subscriptions: [subscription('plant/+/speed', 0)] });
    const clean = session({ clean: true, subscriptions: [] });
    expect(verdict({ session: clean, doors: [told] })).toContain(
      'yes: is delivered: by «plant/+/speed», at QoS 0',
    );
    expect(verdict({ session: undefined, doors: [told] })).toContain('yes: is delivered: by «plant/+/speed»');
    expect(verdict({ session: undefined, presence: undefined, doors: [told] })).toContain(
      'yes: is delivered',
    );
  });

  test('to one member of a group', () => {
    expect(verdict(withSubscriptions(subscription('$share/g/plant/#')))).toBe(
      'yes: is delivered: by «plant/#», at QoS 1, or another member of the group «g» gets it, at mqtt-ingress on edge',
    );
  });

  test('when it is back, from the log behind its cursor', () => {
    expect(verdict({ ...gone })).toBe(
      'when-back: is delivered when it is back: by «plant/#», at QoS 1; 12 messages of the log came after its cursor',
    );
    expect(verdict({ ...gone, log: { first: 15, last: 22 } })).toContain(
      '12 messages of the log came after its cursor, the oldest 4 of them are not kept any more',
    );
    expect(verdict({ session: session(), doors: [] })).toContain('when-back: ');
  });

  test('as a command, without a subscription', () => {
    const command = { topic: 'cmd/dev1/go' as Topic };
    expect(verdict(command)).toBe('yes: is delivered: a command reaches its device without a subscription');
    expect(verdict({ ...command, ...gone })).toContain(
      'no: is not delivered: it is not connected; a command',
    );
    expect(verdict({ topic: 'cmd/dev2/go' as Topic })).toBe(
      'no: is not delivered: the policy «built-in.devices», statement 2, denies receive',
    );
  });
});

describe('is not delivered', () => {
  test('because of who it is', () => {
    expect(verdict({ credential: credential([], true) })).toBe('no: is not delivered: dev1 is disabled');
    expect(verdict({ credential: credential(['nobody']) })).toBe(
      'no: is not delivered: no policy allows connect as «dev1»',
    );
    const denied = policies(...everything, { effect: 'deny', actions: ['connect'], clients: ['dev*'] });
    expect(verdict({ policies: denied })).toBe(
      'no: is not delivered: the policy «site», statement 3, denies connect as «dev1»',
    );
  });

  test('because of what it may', () => {
    const deny = (actions: PolicyStatement['actions'], topic: string): Partial<Facts> => ({
      policies: policies(...everything, { effect: 'deny', actions, topics: [topic] }),
    });
    expect(verdict(deny(['receive'], 'plant/line1/#'))).toBe(
      'no: is not delivered: the policy «site», statement 3, denies receive',
    );
    expect(verdict(deny(['subscribe'], 'plant/line1/#'))).toBe(
      'no: is not delivered: the policy «site», statement 3, denies receive',
    );
    expect(
      verdict({
        policies: policies(everything[1]!, { effect: 'allow', actions: ['receive'], topics: ['#'] }),
      }),
    ).toBe('no: is not delivered: no policy allows subscribe to «plant/#»');
    expect(
      verdict({
        ...deny(['receive'], 'plant/line2/#'),
        ...withSubscriptions(subscription('$share/g/plant/#')),
      }),
    ).toBe(
      'no: is not delivered: the group «g» shares «plant/#», of which its policies let it receive only a part',
    );
    expect(verdict({ policies: policies(...everything.slice(1)) })).toBe(
      'no: is not delivered: no policy allows receive',
    );
  });

  test('because of where it is', () => {
    expect(verdict({ session: undefined, presence: undefined, doors: [] })).toBe(
      'no: is not delivered: nobody was ever connected by this id, and there is no session',
    );
    expect(verdict({ session: undefined, presence: presence(false), doors: [] })).toBe(
      'no: is not delivered: it is not connected, and there is no session that keeps messages for it',
    );
    expect(verdict({ session: session({ clean: true }), doors: [] })).toBe(
      'no: is not delivered: it is not connected, and its session ends with its connection',
    );
    expect(verdict({ ...gone, session: away({ subscriptions: [subscription('plant/#', 0)] }) })).toBe(
      'no: is not delivered: it is not connected, and what it has subscribed to at QoS 0 is not kept',
    );
  });

  test('because of what it is subscribed to', () => {
    expect(verdict(withSubscriptions())).toBe('no: is not delivered: it has no subscription');
    expect(verdict(withSubscriptions(subscription('office/#')))).toBe(
      'no: is not delivered: its only subscription does not match',
    );
    expect(verdict(withSubscriptions(subscription('office/#'), subscription('plant')))).toBe(
      'no: is not delivered: none of its 2 subscriptions matches',
    );
  });
});

describe('client ids', () => {
  const foreign: Partial<Facts> = {
    ...{ client: 'foreign', session: session({ clean: false }) },
    ...{ principal: { name: 'dev1', from: 'session' } },
  };
  const at = (authRequired: boolean, incarnation = 'd1', attached = true): Door => ({
    ...door({ attached, subscriptions: [] }),
    lease: { ...lease, incarnation, authRequired },
  });
  const REFUSED = 'no: is not delivered: no policy allows connect as «foreign»';

  test('are free by built-in policies where its door lets anonymous clients in', () => {
    expect(verdict(foreign)).toBe(REFUSED);
    expect(verdict({ ...foreign, doors: [at(true)] })).toBe(REFUSED);
    expect(verdict({ ...foreign, doors: [at(true), at(false, 'd2')] })).toBe(REFUSED);
    expect(verdict({ ...foreign, doors: [at(false)] })).toContain('yes: is delivered');
    expect(explanationOf(facts({ ...foreign, doors: [at(false)] })).decisions.connect).toEqual({
      ...{ allowed: true, why: 'nothing denies connect' },
    });
  });

  test('of who is away, where any door does', () => {
    const isAway = { ...foreign, session: away() };
    expect(verdict({ ...isAway, doors: [] })).toBe(REFUSED);
    expect(verdict({ ...isAway, doors: [at(true, 'd1', false)] })).toBe(REFUSED);
    const doors = [at(true, 'd1', false), at(false, 'd2', false)];
    expect(verdict({ ...isAway, doors })).toContain('when-back: ');
  });

  test('are not free by a policy of the site', () => {
    const own: PolicyStatement = { effect: 'allow', actions: ['connect'], clients: ['${principal}'] };
    const held = policies(everything[0]!, own);
    expect(verdict({ ...foreign, policies: held, doors: [at(false)] })).toBe(REFUSED);
  });
});

describe('who comes with a token', () => {
  const byGroup: Map<string, PolicyRecord> = new Map([
    [
      'line',
      {
        ...{ v: 1, name: 'line', groups: ['line'] },
        statements: [
          everything[1]!,
          { effect: 'allow', actions: ['subscribe'], topics: ['#'] },
          { effect: 'allow', actions: ['receive'], topics: ['plant/${claims.line}/#'] },
        ],
      },
    ],
  ]);
  const told = (token: Facts['token'], more: Partial<Facts> = {}) =>
    explanationOf(facts({ policies: byGroup, credential: undefined, token, ...more }));

  test('is judged by its groups and claims', () => {
    expect(told({})).toMatchObject({
      principal: { groups: ['devices'], policies: ['built-in.devices'] },
      warnings: ['nothing is stored of «dev1»: its groups and claims may be others'],
    });
    expect(told({ groups: ['line'], claims: { line: 'line1' } })).toMatchObject({
      ...{ delivered: 'yes', principal: { groups: ['line'], policies: ['line'] }, warnings: [] },
    });
    expect(told({ groups: ['line'], claims: { line: 'line2' } })).toMatchObject({
      verdict: 'is not delivered: no policy allows receive',
    });
    expect(told({ groups: ['line'] }).delivered).toBe('no');
  });

  test('has the groups of its credential where one is stored', () => {
    const claims = { line: 'line1' };
    expect(told({ groups: ['line'], claims }, { credential: credential(['nobody']) })).toMatchObject({
      ...{ delivered: 'no', principal: { groups: ['nobody'] } },
      warnings: ['a credential is stored for it: its groups count, not those of a token'],
    });
    expect(told({ claims }, { credential: credential(['line']) })).toMatchObject({
      ...{ delivered: 'yes', warnings: [] },
    });
  });
});

test('cannot be said when its door does not answer', () => {
  const silent: Door = { lease, filters: undefined };
  expect(verdict({ session: session({ clean: true, subscriptions: [] }), doors: [silent] })).toBe(
    'unknown: cannot be said: its door does not say what it is subscribed to',
  );
});

test('everything else that bears on it is told', () => {
  const told = explanationOf(
    facts({
      policies: policies(...everything, { effect: 'deny', actions: ['receive'], topics: ['plant/line2/#'] }),
      contracts: [
        { v: 1, name: 'all', filter: '#', onViolation: 'tag' },
        { v: 1, name: 'speed', filter: 'plant/+/speed', onViolation: 'reject' },
        { v: 1, name: 'other', filter: 'plant/+/heat', onViolation: 'reject' },
      ],
      retained: { qos: 1, bytes: 4, retainedAt: 7 },
      unreadable: ['policy.x'],
      credential: undefined,
      log: { first: 15, last: 22 },
    }),
  );
  expect(told).toMatchObject({
    principal: { name: 'dev1', from: 'session', groups: ['devices'], disabled: false, policies: ['site'] },
    decisions: {
      publish: {
        allowed: true,
        policy: 'site',
        statement: 1,
        why: 'the policy «site», statement 1, allows publish',
      },
      retain: { allowed: false, why: 'no policy allows retain' },
    },
    connection: { connected: true, door: 'd1', service: 'mqtt-ingress', host: 'edge', since: 5 },
    session: { persistent: true, cursor: 10, behind: 12, missed: 4, unacknowledged: 0, subscriptions: 1 },
    subscriptions: [{ filter: 'plant/#', qos: 1, from: 3, ruling: 'guarded' }],
    log: { first: 15, last: 22 },
    retained: { qos: 1, bytes: 4, retainedAt: 7 },
    contract: { name: 'speed', filter: 'plant/+/speed', onViolation: 'reject' },
    warnings: [
      'the record policy.x cannot be read',
      'nothing is stored of «dev1»: its groups and claims may be others',
    ],
  });
});
