import { accept } from '@trivium/contracts';
import { ANONYMOUS_PRINCIPAL, OPEN_IDENTITY, type Identity, type Principal } from '@trivium/identity';
import { NO_LIMITS } from '@trivium/limits';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDoor, startOtherDoor } from './door.fixture.ts';
import {
  connectFrame,
  field,
  id,
  PINGREQ,
  publishFrame,
  rawClient,
  type RawClient,
} from './raw-client.fixture.ts';

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats.stop());

/** Everybody is who it says it is. */
const identity: Identity = {
  ...OPEN_IDENTITY,
  signIn: (shown) => {
    if (shown.by !== 'password') return accept(ANONYMOUS_PRINCIPAL);
    const principal: Principal = { name: shown.user, by: 'password', groups: [], claims: {} };
    return accept(principal);
  },
};

const ACCEPTED = '20020000';
const UNAVAILABLE = '20020003';

/** What a client gets to its CONNECT. */
async function connected(port: number, clientId: string, user?: string): Promise<[RawClient, string]> {
  const client = rawClient(port);
  client.send(
    user === undefined
      ? connectFrame({ clientId })
      : connectFrame({ clientId, flags: 0xc2, rest: [field(user), field('p')] }),
  );
  return [client, await client.packet(0)];
}

test.each([
  ['messages of one connection', { messagesPerSecond: 20 }],
  ['bytes of one connection', { bytesPerSecond: 20 * 16 }],
  ['messages of one principal', { messagesPerSecondPerPrincipal: 20 }],
])(
  '%s: what is too much waits in the socket, all of it is acknowledged, others are not slowed',
  async (_what, limit) => {
    await using fixture = await startDoor(nats.url, {
      door: { identity, limits: { ...NO_LIMITS, ...limit } },
    });
    const [fast] = await connected(fixture.port, 'fast', 'dev');
    const [calm] = await connected(fixture.port, 'calm', 'other');
    const began = Date.now();
    for (let n = 1; n <= 50; n++) fast.send(publishFrame('abcd', '12345678', 0x32, n));
    await waitFor(() => fixture.door.stats.slowed > 0);
    calm.send(publishFrame('calm', '12345678', 0x32, 1), PINGREQ);
    expect([await calm.packet(1), await calm.packet(2)].toSorted()).toEqual(['40020001', 'd000']);
    await fast.packet(50);
    expect(Date.now() - began).toBeGreaterThan(1_000);
    const acknowledged = Array.from(
      { length: 50 },
      (_, n) => `4002${Buffer.from(id(n + 1)).toString('hex')}`,
    );
    expect(fast.packets.slice(1)).toEqual(acknowledged);
    expect(fixture.door.stats).toMatchObject({ publishedQos1: 51, caughtFaults: 0 });
  },
);

test('QoS 0 that is too much waits too: none of it is dropped', async () => {
  const limits = { ...NO_LIMITS, messagesPerSecond: 20 };
  await using fixture = await startDoor(nats.url, { door: { identity, limits } });
  await using other = await startOtherDoor(nats.url);
  const seen = await other.collect('flood/#');
  const [fast] = await connected(fixture.port, 'fast');
  for (let n = 0; n < 30; n++) fast.send(publishFrame(`flood/${n}`, 'x'));
  fast.socket.end();
  await waitFor(() => seen.length === 30);
  await waitFor(() => fixture.door.connections === 0);
  expect(fixture.door.stats.slowed).toBeGreaterThan(0);
  expect(fixture.door.stats.droppedIn).toBe(0);
});

test('connections of one principal: one more is refused with 0x03; its own client id is taken over all the same', async () => {
  const limits = { ...NO_LIMITS, connectionsPerPrincipal: 1 };
  await using fixture = await startDoor(nats.url, { door: { identity, limits } });
  const { door, port } = fixture;
  const [first] = await connected(port, 'one', 'dev');
  const [second, refused] = await connected(port, 'two', 'dev');
  expect(refused).toBe(UNAVAILABLE);
  await second.closed();
  expect(door.stats).toMatchObject({ refused: 1, closed: { 'quota.exceeded': 1 } });
  expect((await connected(port, 'three', 'other'))[1]).toBe(ACCEPTED);
  for (const clientId of ['a', 'b']) expect((await connected(port, clientId))[1]).toBe(ACCEPTED); // nobody in particular
  const [again, takenOver] = await connected(port, 'one', 'dev');
  expect(takenOver).toBe(ACCEPTED);
  await first.closed();
  expect((await connected(port, 'two', 'dev'))[1]).toBe(UNAVAILABLE);
  again.socket.destroy();
  await waitFor(() => door.connections === 3);
  expect((await connected(port, 'two', 'dev'))[1]).toBe(ACCEPTED);
});
