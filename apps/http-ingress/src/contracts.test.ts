import { contractLetterSubject, type ViolationPolicy } from '@trivium/contracts';
import { storeContract } from '@trivium/message-contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStream, startDoor, type DoorUnderTest } from './door-under-test.ts';

let nats: NatsServer;
let door: DoorUnderTest;
beforeAll(async () => {
  nats = await startNats();
  door = await startDoor(nats.url, { enforcing: true });
  for (const policy of ['reject', 'tag', 'dead-letter'] as const) await store(policy);
  await waitFor(async () => !(await publish('dead-letter/ready', 'x', 'qos=1')).headers.has('x-trivium-pos'));
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await nats.stop();
});

function store(policy: ViolationPolicy): Promise<void> {
  return storeContract(door.bus.bucket('contracts'), {
    ...{ v: 1, name: policy, filter: `${policy}/#`, onViolation: policy },
    schema: { type: 'object', properties: { list: { items: { type: 'number' } } } },
  });
}

function publish(topic: string, body: string, query: string, headers = {}): Promise<Response> {
  return fetch(`${door.url}/topics/${topic}?${query}`, { method: 'POST', body, headers });
}

const GOOD = '{"list":[1]}';
const BAD = '{"list":[1,"x"]}';

describe.each(['qos=0', 'qos=1', 'qos=0&retain=1', 'qos=1&retain=true'])('HTTP, %s', (query) => {
  test('reject is 422, with the place in the payload', async () => {
    const before = door.door.stats.publishesRefused;
    const answer = await publish('reject/a', BAD, query);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      422,
      expect.stringContaining('application/problem+json'),
    ]);
    expect(await answer.json()).toMatchObject({
      code: 'contract.violated',
      path: '/list/1',
      detail: 'contract reject: /list/1 must be number',
    });
    expect(door.door.stats.publishesRefused).toBe(before + 1);
    expect((await publish('reject/a', GOOD, query)).status).toBe(200);
  });

  test.each(['tag', 'dead-letter'] as const)('%s is 200', async (policy) => {
    const topic = `${policy}/${encodeURIComponent(query)}`;
    await using stream = await openStream(`${door.url}/v1/stream?filter=${policy}/%2B`);
    const bad = await publish(topic, BAD, query);
    const good = await publish(topic, GOOD, query);
    expect([bad.status, good.status]).toEqual([200, 200]);
    const isStored = query !== 'qos=0';
    expect([bad.headers.has('x-trivium-pos'), good.headers.has('x-trivium-pos')]).toEqual([
      isStored && policy === 'tag',
      isStored,
    ]);
    const came = (): unknown[] =>
      stream.events.flatMap(({ event, data }) => (event === 'message' ? [data?.['properties']] : []));
    const tag = { userProperties: [['tv-contract-violation', 'tag']] };
    const expected = policy === 'tag' ? [tag, undefined] : [undefined];
    await waitFor(() => came().length >= expected.length);
    expect(came()).toEqual(expected);
    if (policy === 'tag') return;
    const letter = await waitFor(async () => {
      const found = await door.bus.readLast('DEADLETTER', contractLetterSubject(policy));
      return found?.headers?.get('Tv-Tp') === decodeURIComponent(topic) ? found : undefined;
    });
    expect(Buffer.from(letter.data).toString()).toBe(BAD);
    expect(letter.headers?.get('Tv-Why')).toBe('contract dead-letter: /list/1 must be number');
  });
});

test('a retry with its idempotency key is put aside once', async () => {
  const key = { 'idempotency-key': 'k-1' };
  for (const _ of [1, 2]) expect((await publish('dead-letter/keyed', BAD, 'qos=1', key)).status).toBe(200);
  let count = 0;
  const follower = door.bus.follow({
    stream: 'DEADLETTER',
    after: 0,
    onMessage: (_pos, { headers }) => void (headers?.get('Tv-Tp') === 'dead-letter/keyed' && count++),
  });
  await follower.caughtUp();
  follower.close();
  expect(count).toBe(1);
});

test('/asyncapi.json is of the contracts as they are now', async () => {
  const read = async (): Promise<{ asyncapi: string; channels: Record<string, object> }> =>
    (await fetch(`${door.url}/asyncapi.json`)).json() as never;
  const first = await read();
  expect(first).toMatchObject({ asyncapi: '3.0.0', channels: { reject: { address: 'reject/{rest}' } } });
  expect(first.channels).not.toHaveProperty('later');
  const later = { v: 1, name: 'later', filter: 'later/+', onViolation: 'tag', schema: true } as const;
  await storeContract(door.bus.bucket('contracts'), later);
  await waitFor(async () => 'later' in (await read()).channels);
});
