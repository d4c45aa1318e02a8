import { DoorLease, doorLeaseKey, encodeJson } from '@trivium/contracts';
import type { Explanation } from '@trivium/explain';
import { storeCredential } from '@trivium/identity';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStream, startDoor, type DoorUnderTest } from './door-under-test.ts';

const CHEAP = { memoryKiB: 1_024, passes: 1 };
const AUTHOR = { principal: 'root', service: 'test' };

let nats: NatsServer;
let door: DoorUnderTest;
beforeAll(async () => {
  nats = await startNats();
  door = await startDoor(nats.url, { auth: { required: true, argon2: CHEAP } });
  const user = (name: string, ...groups: string[]) =>
    storeCredential(door.bus, { name, groups, password: 'secret' }, AUTHOR, { cost: CHEAP });
  await user('root', 'administrators');
  await user('pump');
  const { incarnation } = door.bus;
  const lease: DoorLease = { v: 1, incarnation, service: 'http-ingress', startedAt: 1 };
  await door.bus.bucket('leases').put(doorLeaseKey(incarnation), encodeJson(DoorLease, lease));
  // The door hears of what is stored a moment later.
  await waitFor(async () => (await explain('root', 'a', 'b')).status === 200, { timeoutMs: 30_000 });
  await waitFor(async () => (await explain('pump', 'a', 'b')).status === 403, { timeoutMs: 30_000 });
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await nats.stop();
});

const basic = (name: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:secret`).toString('base64')}`,
});

async function explain(as: string, client: string, topic: string, token: [string, string][] = []) {
  const query = new URLSearchParams([['client', client], ['topic', topic], ...token]);
  const response = await fetch(`${door.url}/v1/explain?${query}`, { headers: basic(as) });
  return { status: response.status, body: (await response.json()) as Explanation & { code: string } };
}

test('administrators are told why a message reaches the reader of an event stream, and why another does not', async () => {
  await using _stream = await openStream(`${door.url}/v1/stream?filter=plant/%23`, basic('pump'));
  const reached = await explain('root', 'pump', 'plant/speed');
  expect(reached.body).toMatchObject({
    ...{ delivered: 'yes', verdict: 'is delivered: by «plant/#», at QoS 1, at http-ingress' },
    ...{ principal: { name: 'pump', from: 'credential', groups: ['devices'] } },
    ...{ connection: { connected: true, service: 'http-ingress' }, warnings: [] },
  });
  const other = await explain('root', 'pump', 'cmd/other/go');
  expect(other.body).toMatchObject({
    ...{ delivered: 'no', subscriptions: [] },
    verdict: 'is not delivered: the policy «built-in.devices», statement 2, denies receive',
  });
});

test('of a client that comes with a token, what that says can be told', async () => {
  const guessed = await explain('root', 'tok-1', 'a');
  expect(guessed.body.principal).toMatchObject({ groups: ['devices'] });
  const token: [string, string][] = [
    ['groups', 'line,operators'],
    ['claim', 'line=1=2'],
    ['claim', 'site='],
  ];
  const told = await explain('root', 'tok-1', 'cmd/other/go', token);
  expect(told.body).toMatchObject({
    principal: { groups: ['line', 'operators'], policies: ['built-in.operators'] },
    decisions: { receive: { allowed: true } },
  });
  expect(await explain('root', 'tok-1', 'a', [['claim', 'x=y']])).toMatchObject({ status: 200 });
  for (const wrong of [
    ['groups', 'a b'],
    ['claim', 'x'],
  ] as [string, string][])
    expect(await explain('root', 'tok-1', 'a', [wrong])).toMatchObject({ status: 400 });
});

test('nobody else is told anything', async () => {
  expect(await explain('pump', 'pump', 'plant/speed')).toMatchObject({
    ...{ status: 403, body: { code: 'auth.denied' } },
  });
  expect((await fetch(`${door.url}/v1/explain?client=pump&topic=a`)).status).toBe(401);
});

test('a topic that is none, or no client, is refused', async () => {
  expect(await explain('root', 'pump', 'plant/#')).toMatchObject({
    ...{ status: 400, body: { code: 'topic.invalid' } },
  });
  expect((await explain('root', '', 'plant')).status).toBe(400);
});
