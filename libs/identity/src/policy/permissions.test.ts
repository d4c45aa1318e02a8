import type { PolicyRecord, PolicyStatement, TopicAction } from '@trivium/contracts';
import { describe, expect, test } from 'vitest';
import { compilePermissions, policiesOf, type Permissions, type PermissionsOptions } from '../index.ts';

const policy = (statements: PolicyStatement[], name = 'p'): PolicyRecord => ({
  ...{ v: 1, name, groups: ['devices'], statements },
});
const allow = (actions: PolicyStatement['actions'], ...topics: string[]): PolicyStatement => ({
  ...{ effect: 'allow', actions, topics },
});
const deny = (actions: PolicyStatement['actions'], ...topics: string[]): PolicyStatement => ({
  ...{ effect: 'deny', actions, topics },
});
const of = (
  statements: PolicyStatement[],
  { principal = 'dev1', client = 'dev1', ...rest }: Partial<PermissionsOptions> = {},
): Permissions => compilePermissions({ policies: [policy(statements)], principal, client, ...rest });
const group = (...groups: string[]): Permissions =>
  compilePermissions({ policies: policiesOf(groups, new Map()), principal: 'dev1', client: 'dev1' });

const ACTIONS: TopicAction[] = ['publish', 'retain', 'subscribe', 'receive', 'command', 'shadow'];

describe('topics', () => {
  test('nothing is allowed by default, and deny wins, whatever comes first', () => {
    for (const action of ACTIONS) {
      expect(of([{ effect: 'allow', actions: ['admin'] }]).may(action, 'a')).toBe(false);
      const both = [allow([action], 'a/#'), deny([action], 'a/+/x')];
      for (const statements of [both, both.toReversed()]) {
        expect(of(statements).may(action, 'a/b')).toBe(true);
        expect(of(statements).may(action, 'a/b/x')).toBe(false);
        expect(of(statements).may(action, 'b')).toBe(false);
      }
    }
  });

  test('each action is for itself, but for what may not be subscribed to', () => {
    for (const action of ACTIONS) {
      const one = of([allow([action], '#')]);
      for (const other of ACTIONS) expect(one.may(other, 'a'), `${action} ${other}`).toBe(other === action);
    }
    const denied = of([allow(['receive', 'subscribe'], '#'), deny(['subscribe'], 'secret/#')]);
    expect(denied.may('receive', 'secret/x')).toBe(false);
    expect(denied.may('receive', 'x')).toBe(true);
  });

  test('[MQTT-4.7.2-1] no wildcard at the beginning is for topics that begin with $', () => {
    for (const pattern of ['#', '+/#', '+/uptime'])
      expect(of([allow(['receive'], pattern)]).may('receive', '$SYS/uptime'), pattern).toBe(false);
    expect(of([allow(['receive'], '$SYS/#')]).may('receive', '$SYS/uptime')).toBe(true);
    expect(of([allow(['receive'], '$+/#')]).may('receive', '$SYS/uptime')).toBe(true);
    expect(of([allow(['receive'], '$+/#')]).may('receive', 'SYS/uptime')).toBe(false);
  });

  test('empty levels are levels', () => {
    const may = (pattern: string, topic: string): boolean =>
      of([allow(['publish'], pattern)]).may('publish', topic);
    expect(may('a/+', 'a/')).toBe(true);
    expect(may('a/#', 'a')).toBe(true);
    expect(may('a', 'a/')).toBe(false);
    expect(may('+', '/')).toBe(false);
    expect(may('+/+', '/')).toBe(true);
    expect(may('/a', 'a')).toBe(false);
  });

  test('an answer stays the same however often it is asked for, and beyond what is remembered', () => {
    const some = of([allow(['publish'], 'a/+', '${clientId}/+'), deny(['publish'], 'a/5', 'dev1/7')]);
    for (let round = 0; round < 3; round++)
      for (let i = 0; i < 500; i++) {
        expect(some.may('publish', `a/${i}`)).toBe(i !== 5);
        expect(some.may('publish', `dev1/${i}`)).toBe(i !== 7);
        expect(some.may('publish', `dev2/${i}`)).toBe(false);
      }
    const long = `a/${'x'.repeat(2_000)}`;
    expect([some.may('publish', long), some.may('publish', long)]).toEqual([true, true]);
  });
});

describe('subscriptions', () => {
  const ruling = (filter: string, statements: PolicyStatement[], shared = false) =>
    of(statements).subscription(filter, shared);

  test('a filter is allowed by one pattern that covers it wholly, and refused by one that denies it wholly', () => {
    const all = allow(['subscribe', 'receive'], 'a/#');
    expect(ruling('a/#', [all])).toBe('granted');
    expect(ruling('a/+/b', [all])).toBe('granted');
    expect(ruling('#', [all])).toBe('refused');
    expect(ruling('+/b', [all])).toBe('refused');
    expect(ruling('a/+', [allow(['subscribe', 'receive'], 'a/b', 'a/c')])).toBe('refused');
    expect(ruling('a/b/+', [all, deny(['subscribe'], 'a/+/#')])).toBe('refused');
    expect(ruling('a/#', [all, deny(['subscribe'], 'a/+/#')])).toBe('guarded');
    expect(ruling('a/#', [all, deny(['publish'], 'a/#')])).toBe('granted');
  });

  test('what is partly denied, or not all received, is guarded; a shared one is refused then', () => {
    const cases: PolicyStatement[][] = [
      [allow(['subscribe', 'receive'], '#'), deny(['receive'], 'a/secret')],
      [allow(['subscribe', 'receive'], '#'), deny(['subscribe'], 'a/secret')],
      [allow(['subscribe', 'receive'], '#'), deny(['receive'], '+/secret/#')],
      [allow(['subscribe'], '#'), allow(['receive'], 'a/b')],
      [allow(['subscribe', 'receive'], '#'), deny(['receive'], '${clientId}/#', 'a/${clientId}')],
    ];
    for (const statements of cases) {
      expect(ruling('a/#', statements), JSON.stringify(statements)).toBe('guarded');
      expect(ruling('a/#', statements, true), JSON.stringify(statements)).toBe('refused');
    }
    const [first = []] = cases;
    expect(ruling('b/#', first, true)).toBe('granted');
    expect(ruling('#', [allow(['subscribe', 'receive'], '#'), deny(['receive'], '$SYS/#')])).toBe('granted');
  });
});

describe('placeholders', () => {
  const options = {
    principal: 'alice',
    client: 'dev1',
    attributes: { site: 'berlin', floor: 3, empty: '', wild: '+', path: 'a/b', dollar: '$SYS' },
    claims: { 'https://x.org/team': 'red', tenant: 't#1' },
  };
  const may = (statements: PolicyStatement[], topic: string) => of(statements, options).may('publish', topic);

  test('stand for one level, or a part of one', () => {
    const patterns: [string, string][] = [
      ['${clientId}/x', 'dev1/x'],
      ['site/${device.site}/#', 'site/berlin/x/y'],
      ['site/${device.site}-${device.floor}', 'site/berlin-3'],
      ['teams/${claims.https://x.org/team}/+', 'teams/red/x'],
      ['users/u-${principal}', 'users/u-alice'],
    ];
    for (const [pattern, topic] of patterns) {
      expect(may([allow(['publish'], pattern)], topic), pattern).toBe(true);
      expect(may([allow(['publish'], pattern)], topic.replace('/', '/z')), pattern).toBe(false);
    }
  });

  test.each(['missing', 'empty', 'wild', 'path'])(
    'the value %s allows nothing, and denies its whole level',
    (name) => {
      const pattern = `a/\${device.${name}}/x`;
      for (const topic of ['a/b/x', 'a//x', 'a/a/b/x', 'a/+/x', 'a/undefined/x'])
        expect(may([allow(['publish'], pattern)], topic), topic).toBe(false);
      const denied = [allow(['publish'], '#'), deny(['publish'], pattern)];
      expect(may(denied, 'a/b/x')).toBe(false);
      expect(may(denied, 'a//x')).toBe(false);
      expect(may(denied, 'a/b/y')).toBe(true);
    },
  );

  test('no value gives away a topic that begins with $', () => {
    expect(may([allow(['publish'], '${device.dollar}/x')], '$SYS/x')).toBe(false);
    expect(may([allow(['publish'], '$+/#'), deny(['publish'], '${device.dollar}/x')], '$SYS/x')).toBe(false);
    expect(may([allow(['publish'], '$+/#'), deny(['publish'], '${device.missing}/x')], '$SYS/x')).toBe(false);
  });

  test('a member that every object has is no attribute', () => {
    expect(may([allow(['publish'], '${device.constructor}')], 'function Object() { [native code] }')).toBe(
      false,
    );
  });
});

describe('client ids', () => {
  const connects = (clients: string[], options: Partial<PermissionsOptions>, denied: string[] = []) =>
    of(
      [
        { effect: 'allow', actions: ['connect'], clients },
        ...(denied.length > 0
          ? [{ effect: 'deny' as const, actions: ['connect' as const], clients: denied }]
          : []),
      ],
      options,
    ).mayConnect;

  test('* stands for any characters, and a value only for itself', () => {
    expect(connects(['a*c'], { client: 'abbc' })).toBe(true);
    expect(connects(['a*c'], { client: 'ac' })).toBe(true);
    expect(connects(['a*a'], { client: 'a' })).toBe(false);
    expect(connects(['a*b*c'], { client: 'a-c-b' })).toBe(false);
    expect(connects(['${principal}-*'], { principal: '*', client: 'x-1' })).toBe(false);
    expect(connects(['${principal}-*'], { principal: '*', client: '*-1' })).toBe(true);
    expect(connects(['${principal}'], { principal: 'a/b', client: 'a/b' })).toBe(true);
    expect(connects(['x${device.site}'], { client: 'x' })).toBe(false);
    expect(connects(['*'], { client: 'x-1' }, ['x-${device.site}'])).toBe(false);
  });

  test('an id that the hub made up, or none, is anybody’s, unless it is denied', () => {
    expect(connects(['a'], { client: 'auto-1', assigned: true })).toBe(true);
    expect(connects(['a'], { client: 'auto-1' })).toBe(false);
    expect(connects(['a'], { client: 'auto-1', assigned: true }, ['*'])).toBe(false);
    const none = (statements: PolicyStatement[]) =>
      compilePermissions({ policies: [policy(statements)], principal: 'p', client: undefined }).mayConnect;
    expect(none([allow(['publish'], 'a')])).toBe(true);
    expect(none([{ effect: 'deny', actions: ['connect'], clients: ['*'] }])).toBe(false);
  });

  test('every pattern is answered, however often it could begin anew', () => {
    const client = 'a'.repeat(60_000);
    const pattern = `${'a*'.repeat(500)}b`;
    expect(connects([pattern], { client })).toBe(false);
    expect(connects([`*${'aaaaaaaaab*'.repeat(500)}`], { client })).toBe(false);
  });
});

describe('what decided', () => {
  const policies = [
    policy([allow(['publish'], 'a/#', 'b/#'), allow(['publish'], 'a/b')], 'first'),
    policy(
      [deny(['subscribe'], 'x/#'), { effect: 'allow', actions: ['connect'], clients: ['dev1'] }],
      'second',
    ),
  ];
  const some = compilePermissions({ policies, principal: 'p', client: 'dev1' });

  test('is named: the first that denies, else the first that allows', () => {
    expect(some.decide('publish', 'a/b')).toEqual({
      ...{ allowed: true, by: { policy: 'first', statement: 1, effect: 'allow' } },
    });
    expect(some.decide('receive', 'x/y')).toEqual({
      ...{ allowed: false, by: { policy: 'second', statement: 1, effect: 'deny' } },
    });
    expect(some.decide('connect', 'dev1')).toEqual({
      ...{ allowed: true, by: { policy: 'second', statement: 2, effect: 'allow' } },
    });
    expect(some.decide('admin', '')).toEqual({ allowed: false });
    expect(some.decide('publish', 'c')).toEqual({ allowed: false });
  });
});

describe('built in', () => {
  test('administrators, and anonymous clients where they are let in, may do everything', () => {
    for (const name of ['administrators', 'anonymous']) {
      const all = group(name);
      expect(all).toMatchObject({ unrestricted: true, mayConnect: true, mayAdminister: true });
      for (const action of ACTIONS)
        for (const topic of ['a', '$SYS/x', 'cmd/a/b'])
          expect(all.decide(action, topic).allowed && all.may(action, topic), `${action} ${topic}`).toBe(
            true,
          );
    }
  });

  test('devices: all topics but $ and commands, their own shadow, ids that begin with their name', () => {
    const device = group();
    expect(device).toMatchObject({ unrestricted: false, mayConnect: true, mayAdminister: false });
    for (const action of ['publish', 'retain', 'subscribe', 'receive'] as const) {
      expect(device.may(action, 'a/b')).toBe(true);
      for (const topic of ['$SYS/x', 'cmd/dev1/go', 'cmd']) expect(device.may(action, topic)).toBe(false);
    }
    expect(device.subscription('#', false)).toBe('guarded');
    expect(device.subscription('cmd/#', false)).toBe('refused');
    expect(device.may('command', 'cmd/dev1/go')).toBe(false);
    expect(device.may('shadow', 'shadow/dev1/main')).toBe(true);
    expect(device.may('shadow', 'shadow/dev2/main')).toBe(false);
    const as = (client: string): boolean =>
      compilePermissions({ policies: policiesOf([], new Map()), principal: 'dev1', client }).mayConnect;
    for (const client of ['dev1', 'dev1-a', 'dev1.a', 'dev1:a', 'dev1/a', 'dev1_a'])
      expect(as(client), client).toBe(true);
    for (const client of ['dev2', 'dev12', 'xdev1', '']) expect(as(client), client).toBe(false);
  });

  test('operators: all topics but $, commands, no administration', () => {
    const operator = group('operators');
    expect(operator).toMatchObject({ unrestricted: false, mayConnect: true, mayAdminister: false });
    for (const action of ACTIONS) {
      expect(operator.may(action, 'cmd/dev1/go')).toBe(true);
      expect(operator.may(action, '$SYS/x')).toBe(false);
    }
    expect(operator.subscription('#', true)).toBe('granted');
  });

  test('only for as long as no stored policy names the group', () => {
    const stored = new Map([['p', policy([allow(['publish'], 'only/this')])]]);
    const device = compilePermissions({ policies: policiesOf([], stored), principal: 'd', client: 'd' });
    expect(device.may('publish', 'other')).toBe(false);
    expect(device.may('publish', 'only/this')).toBe(true);
    expect(policiesOf(['operators', 'devices'], stored).map(({ name }) => name)).toEqual([
      ...['built-in.operators', 'p'],
    ]);
    expect(policiesOf(['nobody'], stored)).toEqual([]);
  });
});
