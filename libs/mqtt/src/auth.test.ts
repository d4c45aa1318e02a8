import { scramClient, startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  authClient,
  authWith,
  challenged,
  login,
  METHOD,
  type AuthClient,
  type Login,
} from './testing/auth-client.ts';
import {
  acknowledge,
  auth,
  connect,
  disconnect,
  packet,
  PINGREQ,
  publish,
  subscribe,
  unsubscribe,
} from './testing/client-packets.ts';
import { realDoor, type RealDoor } from './testing/real-door.ts';
import { scriptedIdentity } from './testing/scripted-identity.ts';

const USERS = { alice: { password: 'pencil' }, bob: { password: 'eraser' }, anonymous: { password: '' } };

let nats: NatsServer;
let door: RealDoor;
let there: RealDoor;
beforeAll(async () => {
  nats = await startNats();
  door = await realDoor(nats.url, {}, scriptedIdentity(USERS));
  there = await realDoor(nats.url, {}, scriptedIdentity(USERS));
});
afterAll(async () => {
  await Promise.all([door[Symbol.asyncDispose](), there[Symbol.asyncDispose]()]);
  await nats.stop();
});

let run = 0;
let clientId = '';
beforeEach(() => {
  clientId = `auth-${++run}`;
});

const CONNACK_OK = { name: 'connack', reason: 0 };
const connacks = (reason: number) => [{ name: 'connack', reason }];
const disconnects = (reason: number) => [{ name: 'disconnect', reason }];

describe('CONNECT with SCRAM-SHA-256', () => {
  test('[MQTT-4.12.0-2] [MQTT-4.12.0-5] AUTH 0x18, then CONNACK with the method and the proof of the hub', async () => {
    const { client, scram, challenge } = await challenged(door, { clientId });
    expect(challenge).toMatchObject({ name: 'auth', reason: 0x18, properties: { authMethod: METHOD } });
    client.send(authWith(0x18, scram.final(challenge.properties!.authData!)));
    const end = await client.next();
    expect(end).toMatchObject({ ...CONNACK_OK, properties: { authMethod: METHOD } });
    expect(scram.trusts(end.properties!.authData!)).toBe(true);
    client.send(subscribe(1, [{ filter: clientId, qos: 1 }], 5));
    expect(await client.next()).toMatchObject({ name: 'suback' });
  });

  test('AUTH and CONNACK say nothing that the client did not ask for', async () => {
    const { challenge } = await challenged(door, { clientId });
    expect(Object.keys(challenge.properties!).sort()).toEqual(['authData', 'authMethod']);
  });

  test.each([
    ['a wrong password', { password: 'pen' }],
    ['an unknown user', { user: 'mallory' }],
  ])('[MQTT-4.12.0-4] %s: CONNACK 0x86 and the end, alike', async (_what, who: Login) => {
    const { client, end } = await login(door, { clientId, ...who });
    expect(end).toMatchObject({ name: 'connack', reason: 0x86, present: 0 });
    expect(end.properties).toEqual({ reasonString: 'wrong user name or password' });
    expect(await client.end()).toEqual([]);
    expect(await door.bus.bucket('sessions').get(clientId)).toBeUndefined();
  });

  test.each([
    ['nothing', undefined],
    ['nonsense', Buffer.from('pencil')],
    ['channel binding', Buffer.from('p=tls-unique,,n=alice,r=abc')],
  ])('[MQTT-4.12.0-4] %s as the first message: CONNACK 0x86', async (_what, authData) => {
    const client = await authClient(door);
    const properties = authData === undefined ? { authMethod: METHOD } : { authMethod: METHOD, authData };
    client.send(connect({ level: 5, clientId, properties }));
    expect(await client.end()).toMatchObject(connacks(0x86));
  });

  test('[MQTT-3.2.2-19] the reason is left out where it would be too long for the client', async () => {
    const properties = { maximumPacketBytes: 200 };
    const why = await login(door, { clientId, password: 'pen', properties });
    expect(why.end.properties).not.toEqual({});
    const client = await authClient(door);
    const authData = Buffer.from('nonsense');
    client.send(
      connect({ level: 5, clientId, properties: { maximumPacketBytes: 20, authMethod: METHOD, authData } }),
    );
    const [connack] = await client.end();
    expect(connack).toMatchObject({ name: 'connack', reason: 0x86 });
    expect(connack!.properties).toEqual({});
  });

  test('[MQTT-3.1.2-24] a challenge larger than the client takes is not sent: CONNACK 0x95', async () => {
    const client = await authClient(door);
    const authData = scramClient('alice', 'pencil').first;
    client.send(
      connect({ level: 5, clientId, properties: { maximumPacketBytes: 60, authMethod: METHOD, authData } }),
    );
    expect(await client.end()).toMatchObject(connacks(0x95));
  });

  test.each([
    ['magic', 'another method'],
    ['scram-sha-256', 'the method in other letters'],
    ['SCRAM-SHA-256-PLUS', 'channel binding'],
  ])('[MQTT-4.12.0-1] %s: CONNACK 0x8C and the end', async (authMethod) => {
    const client = await authClient(door);
    client.send(connect({ level: 5, clientId, properties: { authMethod } }));
    expect(await client.end()).toMatchObject(connacks(0x8c));
  });

  test('[MQTT-4.12.0-1] without users the method is not offered', async () => {
    await using plain = await realDoor(nats.url);
    const client = await authClient(plain);
    client.send(connect({ level: 5, clientId, properties: { authMethod: METHOD } }));
    expect(await client.end()).toMatchObject(connacks(0x8c));
  });

  test.each([
    ['PUBLISH', publish({ topic: 'auth/x', level: 5 })],
    ['PUBLISH, QoS 1', publish({ topic: 'auth/x', qos: 1, level: 5 })],
    ['PUBACK', acknowledge('puback', 1)],
    ['PUBREL', acknowledge('pubrel', 1)],
    ['SUBSCRIBE', subscribe(1, [{ filter: '#', qos: 0 }], 5)],
    ['UNSUBSCRIBE', unsubscribe(1, ['#'], 5)],
    ['PINGREQ', PINGREQ],
    ['a second CONNECT', connect({ level: 5, clientId: 'other' })],
  ])('[MQTT-3.1.2-30] %s before CONNACK: CONNACK 0x82 and the end', async (_what, bytes) => {
    const { publishedQos0, publishedQos1 } = door.door.stats;
    const { client } = await challenged(door, { clientId });
    client.send(bytes);
    expect(await client.end()).toMatchObject(connacks(0x82));
    expect(door.door.stats).toMatchObject({ publishedQos0, publishedQos1 });
  });

  test('[MQTT-3.1.2-30] DISCONNECT ends the exchange, whatever it carries', async () => {
    for (const bytes of [disconnect(), disconnect(4), disconnect(0, { sessionExpirySeconds: 9 })]) {
      const { client } = await challenged(door, { clientId });
      client.send(bytes);
      expect(await client.end()).toEqual([]);
    }
  });

  test('[MQTT-4.12.0-3] the client goes on with 0x18; it does not begin again', async () => {
    const { client } = await challenged(door, { clientId });
    client.send(authWith(0x19, scramClient('alice', 'pencil').first));
    expect(await client.end()).toMatchObject(connacks(0x82));
  });

  test('[MQTT-4.12.0-5] all its AUTH packets name the method of CONNECT', async () => {
    for (const other of [{ authMethod: 'magic' }, undefined]) {
      const { client } = await challenged(door, { clientId });
      client.send(auth(0x18, other));
      expect(await client.end()).toMatchObject(connacks(0x82));
    }
  });

  test('[MQTT-3.15.1-1] the flags of AUTH are 0000', async () => {
    for (const first of [0xf1, 0xf2, 0xf8]) {
      const { client } = await challenged(door, { clientId });
      const bytes = authWith(0x18, Buffer.from('x'));
      bytes[0] = first;
      client.send(bytes);
      expect(await client.end()).toMatchObject(connacks(0x81));
    }
  });

  test('[MQTT-3.15.2-1] its reason code is one of AUTH', async () => {
    for (const [bytes, code] of [
      [authWith(0x17, Buffer.from('x')), 0x81],
      [packet(0xf0), 0x82],
    ] as const) {
      const { client } = await challenged(door, { clientId });
      client.send(bytes);
      expect(await client.end()).toMatchObject(connacks(code));
    }
  });

  test('a client that does not answer the challenge is closed', async () => {
    await using hasty = await realDoor(nats.url, { connectTimeoutMs: 4_000 }, scriptedIdentity(USERS));
    const { client } = await challenged(hasty, { clientId });
    await client.end();
    await waitFor(() => hasty.door.connections === 0);
  });

  test('authentication data without a method is a protocol error', async () => {
    const client = await authClient(door);
    client.send(connect({ level: 5, clientId, properties: { authData: Buffer.from('x') } }));
    expect(await client.end()).toMatchObject(connacks(0x82));
  });
});

describe('a client without a method', () => {
  test('[MQTT-4.12.0-6] hears of none', async () => {
    const client = await authClient(door);
    client.send(connect({ level: 5, clientId }));
    const connack = await client.next();
    expect(connack).toMatchObject(CONNACK_OK);
    expect(connack.properties).not.toHaveProperty('authMethod');
  });

  test('[MQTT-4.12.0-7] must not send AUTH: DISCONNECT 0x82', async () => {
    for (const reason of [0x18, 0x19]) {
      const client = await authClient(door);
      client.send(connect({ level: 5, clientId }));
      await client.next();
      client.send(authWith(reason, scramClient('alice', 'pencil').first));
      expect(await client.end()).toMatchObject(disconnects(0x82));
    }
  });

  test('of MQTT 3.1.1 has no AUTH at all', async () => {
    const client = await authClient(door);
    client.send(connect({ level: 4, clientId }));
    await waitFor(() => client.socket.received() === '20020000');
    client.send(authWith(0x19, Buffer.from('x')));
    await client.socket.closed;
    expect(client.socket.received()).toBe('20020000');
  });
});

describe('re-authentication', () => {
  const begin = (client: AuthClient, user: string, password: string) => {
    const scram = scramClient(user, password);
    client.send(authWith(0x19, scram.first));
    return scram;
  };

  test('[MQTT-4.12.1-1] AUTH 0x19 begins it, 0x00 ends it, everything goes on meanwhile, as often as the client likes', async () => {
    const { client } = await login(door, { clientId });
    client.send(subscribe(1, [{ filter: clientId, qos: 1 }], 5));
    expect(await client.next()).toMatchObject({ name: 'suback' });
    for (let round = 0; round < 2; round++) {
      const scram = begin(client, 'alice', 'pencil');
      const challenge = await client.next();
      expect(challenge).toMatchObject({ name: 'auth', reason: 0x18, properties: { authMethod: METHOD } });
      client.send(publish({ topic: clientId, qos: 1, packetId: 5, payload: 'x', level: 5 }));
      const got = [await client.next(), await client.next()].map(({ name }) => name);
      expect(got.sort()).toEqual(['puback', 'publish']);
      client.send(acknowledge('puback', round + 1), unsubscribe(2, ['none'], 5));
      expect(await client.next()).toMatchObject({ name: 'unsuback' });
      client.send(authWith(0x18, scram.final(challenge.properties!.authData!)));
      const end = await client.next();
      expect(end).toMatchObject({ name: 'auth', reason: 0, properties: { authMethod: METHOD } });
      expect(scram.trusts(end.properties!.authData!)).toBe(true);
    }
    client.send(PINGREQ);
    expect(await client.next()).toMatchObject({ name: 'pingresp' });
  });

  test('[MQTT-4.12.1-2] a wrong password: DISCONNECT 0x87 and the end', async () => {
    const { client } = await login(door, { clientId });
    const scram = begin(client, 'alice', 'pen');
    client.send(authWith(0x18, scram.final((await client.next()).properties!.authData!)));
    const end = await client.end();
    expect(end).toMatchObject(disconnects(0x87));
    expect(end[0]!.properties!.reasonString).toBe('wrong user name or password');
  });

  test('[MQTT-4.12.1-2] somebody else, with the right password: DISCONNECT 0x87 and the end', async () => {
    const { client } = await login(door, { clientId });
    const scram = begin(client, 'bob', 'eraser');
    client.send(authWith(0x18, scram.final((await client.next()).properties!.authData!)));
    expect(await client.end()).toMatchObject(disconnects(0x87));
  });

  test('[MQTT-4.12.1-1] another method, no beginning, or two of them: DISCONNECT 0x82', async () => {
    const { first } = scramClient('alice', 'pencil');
    for (const bytes of [
      authWith(0x19, first, 'magic'),
      auth(0x19),
      authWith(0x18, first),
      Buffer.concat([authWith(0x19, first), authWith(0x19, first)]),
    ]) {
      const { client } = await login(door, { clientId });
      client.send(bytes);
      expect((await client.end()).filter(({ name }) => name !== 'auth')).toMatchObject(disconnects(0x82));
    }
  });

  test('one that is over leaves nothing to go on with', async () => {
    const { client } = await login(door, { clientId });
    const scram = begin(client, 'alice', 'pencil');
    const last = authWith(0x18, scram.final((await client.next()).properties!.authData!));
    client.send(last, last);
    expect(await client.end()).toMatchObject([{ name: 'auth', reason: 0 }, ...disconnects(0x82)]);
  });
});

describe('a session belongs to who made it', () => {
  const persistent = { clean: false, properties: { sessionExpirySeconds: 1_000 } };

  test('its principal goes on with it at any door; nobody else can have it, present or away', async () => {
    const { client: first } = await login(door, { clientId, ...persistent });
    const record = JSON.parse(
      Buffer.from((await door.bus.bucket('sessions').get(clientId))!.value).toString(),
    ) as { principal: string };
    expect(record.principal).toBe('alice');

    const others = async () => {
      for (const clean of [false, true]) {
        const bob = await login(there, { clientId, ...persistent, clean, user: 'bob', password: 'eraser' });
        expect(bob.end).toMatchObject({ name: 'connack', reason: 0x87 });
        const nobody = await authClient(there);
        nobody.send(connect({ level: 5, clientId, clean }));
        expect(await nobody.end()).toMatchObject(connacks(0x87));
      }
    };
    await others();
    first.send(PINGREQ);
    expect(await first.next()).toMatchObject({ name: 'pingresp' });

    const { client: second, end } = await login(there, { clientId, ...persistent });
    expect(end).toMatchObject(CONNACK_OK);
    expect(await first.end()).toMatchObject(disconnects(0x8e));
    second.send(disconnect());
    await second.end();
    await others();
    const { end: back } = await login(door, { clientId, ...persistent });
    expect(back).toMatchObject(CONNACK_OK);
  });

  test('who has not proven who he is takes nothing over', async () => {
    const { client } = await login(door, { clientId });
    const thief = await challenged(there, { clientId, password: 'pen' });
    client.send(PINGREQ);
    expect(await client.next()).toMatchObject({ name: 'pingresp' });
    thief.client.send(authWith(0x18, thief.scram.final(thief.challenge.properties!.authData!)));
    expect(await thief.client.end()).toMatchObject(connacks(0x86));
    client.send(PINGREQ);
    expect(await client.next()).toMatchObject({ name: 'pingresp' });
  });
});
