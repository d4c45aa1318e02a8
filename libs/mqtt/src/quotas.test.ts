import { NO_LIMITS } from '@trivium/limits';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { publish } from './testing/client-packets.ts';
import { peerOf } from './testing/peer.ts';
import { realDoor } from './testing/real-door.ts';
import { scriptedIdentity } from './testing/scripted-identity.ts';

let nats: NatsServer;
beforeAll(async () => void (nats = await startNats()));
afterAll(() => nats.stop());

const identity = scriptedIdentity({ dev: { password: 'p' }, other: { password: 'p' } });
const login = { level: 5 as const, username: 'dev', password: Buffer.from('p') };

test.each([
  ['messages of one connection', { messagesPerSecond: 20 }],
  ['bytes of one connection', { bytesPerSecond: 20 * 16 }],
  ['messages of one principal', { messagesPerSecondPerPrincipal: 20 }],
])(
  '%s: what is too much waits in the socket, all of it is acknowledged, others are not slowed',
  async (_what, limit) => {
    await using door = await realDoor(nats.url, {}, identity, { limits: { ...NO_LIMITS, ...limit } });
    const fast = await peerOf(door, { ...login, clientId: 'fast' });
    const calm = await peerOf(door, { ...login, username: 'other', clientId: 'calm' });
    const began = Date.now();
    for (let n = 1; n <= 50; n++)
      fast.send(publish({ topic: 'abcd', payload: '12345678', qos: 1, packetId: n, level: 5 }));
    await waitFor(() => door.door.stats.slowed > 0);
    expect(await calm.answers()).toEqual([]);
    for (let n = 1; n <= 50; n++) expect((await fast.take('puback')).packetId).toBe(n);
    expect(Date.now() - began).toBeGreaterThan(1_000);
  },
);

test('connections of one principal: 0x97, before MQTT 5 0x03; its own client id is taken over all the same', async () => {
  const limits = { ...NO_LIMITS, connectionsPerPrincipal: 1 };
  await using door = await realDoor(nats.url, {}, identity, { limits });
  const first = await peerOf(door, { ...login, clientId: 'one' });
  expect((await peerOf(door, { ...login, clientId: 'two' })).connack).toMatchObject({ reason: 0x97 });
  expect((await peerOf(door, { ...login, level: 4, clientId: 'two' })).connack).toMatchObject({ reason: 3 });
  const again = await peerOf(door, { ...login, clientId: 'one' });
  expect(again.connack).toMatchObject({ reason: 0 });
  await first.end();
  again.drop();
  await waitFor(() => door.door.connections === 0);
  expect((await peerOf(door, { ...login, clientId: 'two' })).connack).toMatchObject({ reason: 0 });
});
