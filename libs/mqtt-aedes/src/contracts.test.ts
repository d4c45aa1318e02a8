import { contractLetterSubject } from '@trivium/contracts';
import { storeContract } from '@trivium/message-contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDoor, startOtherDoor, type DoorFixture, type OtherDoor } from './door.fixture.ts';

let nats: NatsServer;
let door: DoorFixture;
let other: OtherDoor;
beforeAll(async () => {
  nats = await startNats();
  other = await startOtherDoor(nats.url);
  for (const policy of ['reject', 'tag', 'dead-letter'] as const)
    await storeContract(other.bus.bucket('contracts'), {
      ...{ v: 1, name: policy, filter: `${policy}/#`, onViolation: policy, schema: { type: 'number' } },
    });
  door = await startDoor(nats.url, { enforcing: true });
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await nats.stop();
});

test.each([
  ['reject', 0, 'dropped'],
  ['reject', 1, 'put aside'],
  ['tag', 0, 'through'],
  ['tag', 1, 'through'],
  ['dead-letter', 0, 'put aside'],
  ['dead-letter', 1, 'put aside'],
] as const)('%s, QoS %i: acknowledged and %s', async (policy, qos, fate) => {
  const topic = `${policy}/${qos}`;
  const seen = await other.collect(topic);
  const client = await door.connect({ clientId: `c-${policy}-${qos}` });
  await client.mqtt.publishAsync(topic, 'hot', { qos });
  await client.mqtt.publishAsync(topic, '21', { qos });
  const expected = [...(fate === 'through' ? ['hot'] : []), '21'].map((text) => `${topic} ${text} q${qos}`);
  await waitFor(() => seen.length >= expected.length);
  expect(seen).toEqual(expected);
  const letter = (): ReturnType<OtherDoor['bus']['readLast']> =>
    other.bus.readLast('DEADLETTER', contractLetterSubject(policy));
  if (fate === 'put aside')
    await waitFor(async () => {
      const { data, headers } = (await letter()) ?? {};
      if (headers?.get('Tv-Tp') !== topic) return false;
      expect([Buffer.from(data!).toString(), headers.get('Tv-Cl')]).toEqual(['hot', `c-${policy}-${qos}`]);
      return true;
    });
  else expect((await letter())?.headers?.get('Tv-Tp')).not.toBe(topic);
});

test('what is tagged says so to receivers that can see it', async () => {
  const client = await door.connect();
  await client.mqtt.publishAsync('tag/seen', 'hot', { qos: 1 });
  const stored = await waitFor(() => other.bus.readLast('MESSAGES', 'tv1.m.1.*.tag.seen'));
  expect(stored.headers?.get('Tv-Up')).toBe('tv-contract-violation=tag');
});
