import { encodeJson, sessionKey, SessionRecord } from '@trivium/contracts';
import type { Explanation } from '@trivium/explain';
import { storePolicy } from '@trivium/identity';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call } from '../call.fixture.ts';
import { startHub, type HubUnderTest } from '../hub.fixture.ts';

let hub: HubUnderTest;
beforeAll(async () => {
  hub = await startHub();
  const record: SessionRecord = {
    ...{
      v: 1,
      epoch: 1,
      connectedAt: 1,
      principal: 'pump',
      clean: false,
      pos: 0,
      open: [],
      exactlyOnce: false,
    },
    subscriptions: [{ filter: '$share/line/plant/#', qos: 1, from: 0 }],
  };
  await hub.bus.bucket('sessions').put(sessionKey('pump-1'), encodeJson(SessionRecord, record));
});
afterAll(() => hub[Symbol.asyncDispose]());

const ask = (client: string, topic: string, ...more: string[]) =>
  hub.trivium(['explain', '--client', client, '--topic', topic, ...more]);

test('says it in a sentence, and shows what it was said from', async () => {
  const { code, out } = await ask('pump-1', 'plant/speed');
  expect(code).toBe(0);
  expect(out).toMatch(
    /^is delivered when it is back: by «plant\/#», at QoS 1, or another member of the group/,
  );
  expect(out).toContain('principal      pump (its session)\n');
  expect(out).toContain('connected      no\n');
  expect(out).toContain('session        cursor 0, 0 behind the log\n');
  expect(out).toMatch(/^FILTER +QOS +GROUP +RULING +FROM\nplant\/# +1 +line +granted\n/m);
  expect(out).toMatch(/^receive +yes +the policy «built-in.devices», statement 1, allows receive\n/m);
});

test('exit code 1 when it is not delivered, as a table and as JSON', async () => {
  await storePolicy(
    hub.bus,
    {
      ...{ v: 1, name: 'line', groups: ['devices'] },
      statements: [
        { effect: 'allow', actions: ['connect'], clients: ['*'] },
        { effect: 'allow', actions: ['subscribe', 'receive'], topics: ['#'] },
        { effect: 'deny', actions: ['receive'], topics: ['plant/secret/#'] },
      ],
    },
    { principal: 'test', service: 'test' },
  );
  const { code, out } = await ask('pump-1', 'plant/secret/x', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(out) as Explanation).toMatchObject({
    delivered: 'no',
    verdict: 'is not delivered: the policy «line», statement 3, denies receive',
    subscriptions: [{ filter: 'plant/#', group: 'line', ruling: 'refused' }],
  });
  const nobody = await ask('nobody', 'a');
  expect(nobody).toMatchObject({
    code: 1,
    out: expect.stringContaining('is not delivered: nobody was ever'),
  });
});

test('judges who comes with a token by what that says', async () => {
  await storePolicy(
    hub.bus,
    {
      ...{ v: 1, name: 'tenants', groups: ['tenants'] },
      statements: [
        { effect: 'allow', actions: ['connect'], clients: ['*'] },
        { effect: 'allow', actions: ['receive'], topics: ['${claims.tenant}/#'] },
      ],
    },
    { principal: 'test', service: 'test' },
  );
  const told = async (...more: string[]) =>
    JSON.parse((await ask('pump-1', 'acme/x', '--json', ...more)).out) as Explanation;
  const tenants = { groups: ['tenants'], policies: ['tenants'] };
  expect(await told('--groups', 'tenants', '--claim', 'tenant=acme')).toMatchObject({
    ...{ principal: tenants, decisions: { receive: { allowed: true } } },
  });
  expect(await told('--groups', 'tenants', '--claim', 'tenant=other')).toMatchObject({
    ...{ principal: tenants, decisions: { receive: { allowed: false } } },
  });
});

test('wrong arguments are told before a hub is looked for', async () => {
  for (const words of [
    [],
    ['--client', 'a'],
    ['--topic', 'a'],
    ['--client', 'a', '--topic', 'a/#'],
    ['--client', 'a', '--topic', 'a', '--claim', 'x'],
  ])
    expect(await call(['explain', ...words])).toMatchObject({
      ...{ code: 78, out: '', err: expect.stringContaining('Usage: trivium explain') },
    });
});
