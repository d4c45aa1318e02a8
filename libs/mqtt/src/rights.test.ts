import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acknowledge, connect, disconnect, publish, type ConnectFields } from './testing/client-packets.ts';
import { bare, peerOf, type Peer } from './testing/peer.ts';
import { realDoor, type RealDoor } from './testing/real-door.ts';
import { scriptedIdentity, type ScriptedIdentity, type ScriptedUser } from './testing/scripted-identity.ts';

/** May do what is below `own/`, subscribe to everything, and receive what is below `own/` and `news/`. */
const device = (): ScriptedUser => ({
  password: 'p',
  may: {
    publish: ['own/#', 'news/#'],
    retain: ['own/#'],
    subscribe: ['#'],
    receive: ['own/#', 'news/#'],
  },
});

let nats: NatsServer;
let identity: ScriptedIdentity;
let door: RealDoor;
let there: RealDoor;
beforeAll(async () => {
  nats = await startNats();
  identity = scriptedIdentity();
  door = await realDoor(nats.url, {}, identity);
  there = await realDoor(nats.url, {}, identity);
});
afterAll(async () => {
  await Promise.all([door[Symbol.asyncDispose](), there[Symbol.asyncDispose]()]);
  await nats.stop();
});

let run = 0;
let clientId = '';
beforeEach(() => {
  clientId = `ruled-${++run}`;
  identity.gate = undefined;
  identity.users.clear();
  identity.users.set('dev', device());
  identity.users.set('other', device());
  identity.users.set('root', { password: 'p' });
  identity.changed();
});

const as = (username: string, level: 4 | 5, fields: Omit<ConnectFields, 'level'> = {}) => ({
  ...{ level, clientId, username, password: Buffer.from('p') },
  ...fields,
});
const login = (
  username: string,
  level: 4 | 5,
  fields?: Omit<ConnectFields, 'level'>,
  at = door,
): Promise<Peer> => peerOf(at, as(username, level, fields));
const root = (): Promise<Peer> => login('root', 5, { clientId: `root-${run}` });
const recordOf = async (client: string): Promise<string> =>
  Buffer.from((await door.bus.bucket('sessions').get(client))!.value).toString();
const persistent = { clean: false, properties: { sessionExpirySeconds: 1_000 } };

describe('CONNECT is refused with its code', () => {
  test.each([
    ['nothing where something is needed', { username: undefined, password: undefined }, 0x87, 5],
    ['a wrong password', { password: Buffer.from('q') }, 0x86, 4],
    ['an unknown user', { username: 'nobody' }, 0x86, 4],
    ['a client id of somebody else', { username: 'bound' }, 0x87, 5],
    [
      'a will that it may not publish',
      { will: { topic: 'x', payload: Buffer.from(''), qos: 0, retain: false, properties: undefined } },
      ...[0x87, 5],
    ],
    [
      'a will that it may not retain',
      { will: { topic: 'news/x', payload: Buffer.from(''), qos: 0, retain: true, properties: undefined } },
      ...[0x87, 5],
    ],
  ] as [string, Omit<ConnectFields, 'level'>, number, number][])(
    '[MQTT-3.1.4-2] [MQTT3-3.2.2-5] %s',
    async (_what, fields, reason5, code311) => {
      identity.users.set('bound', { password: 'p', clients: ['another'] });
      for (const gate of [undefined, new Promise<void>((resolve) => setImmediate(resolve))]) {
        identity.gate = gate;
        expect((await login('dev', 5, fields)).connack).toMatchObject({ reason: reason5 });
        expect((await login('dev', 4, fields)).connack).toMatchObject({ reason: code311 });
      }
    },
  );

  test('while it is found out who it is nothing of the client is acted on, and its time runs', async () => {
    await using hasty = await realDoor(nats.url, { connectTimeoutMs: 4_000 }, identity);
    let open = (): void => undefined;
    identity.gate = new Promise((resolve) => (open = resolve));
    const late = await bare(hasty, 5);
    late.send(connect(as('dev', 5)), publish({ topic: 'own/early', qos: 1, level: 5 }));
    const gone = await bare(hasty, 5);
    gone.send(connect(as('dev', 5)));
    await waitFor(() => hasty.door.connections === 2);
    gone.drop();
    expect(await late.end()).toEqual([]);
    expect(hasty.door.stats).toMatchObject({ publishedQos1: 0, sessions: 0 });
    open();
    await waitFor(() => hasty.door.connections === 0);
  });
});

describe('a session is its principal’s', () => {
  test('another one with the same client id is refused, here and at another door, by clean start too', async () => {
    const first = await login('dev', 5, persistent);
    for (const at of [door, there])
      for (const clean of [false, true])
        expect((await login('other', 5, { ...persistent, clean }, at)).connack).toMatchObject({
          reason: 0x87,
        });
    expect(await first.answers()).toEqual([]);
    first.drop();
    expect((await login('other', 5, { clean: true }, there)).connack).toMatchObject({ reason: 0x87 });
    expect((await login('dev', 5, persistent, there)).connack).toMatchObject({ reason: 0 });
  });

  test('what anonymous clients have is anybody’s who may be that client: a site that begins to ask finds it', async () => {
    await using open = await realDoor(nats.url);
    const before = await peerOf(open, { level: 5, clientId, ...persistent });
    await before.subscribe([{ filter: '#', qos: 1 }]);
    // It is still connected, at another door.
    const now = await login('dev', 5, persistent);
    expect(now.connack).toMatchObject({ reason: 0, present: 1 });
    expect(await recordOf(clientId)).toContain('"principal":"dev"');
    const other = await root();
    other.publish({ topic: 'elsewhere/x', qos: 1, packetId: 1 });
    other.publish({ topic: 'own/x', qos: 1, packetId: 2 });
    expect((await now.messages(1)).map(({ topic }) => topic)).toEqual(['own/x']);
    expect((await peerOf(open, { level: 5, clientId, ...persistent })).connack).toMatchObject({
      reason: 0x87,
    });
  });
});

describe('PUBLISH', () => {
  test('[MQTT-4.6.0-2] MQTT 5: 0x87 in its turn, nothing is forwarded; QoS 0 is dropped and counted', async () => {
    const seen = await root();
    await seen.subscribe('#');
    const client = await login('dev', 5);
    const { deniedIn } = door.door.stats;
    const answers = await client.answers(
      publish({ topic: 'own/1', qos: 1, packetId: 1, level: 5 }),
      publish({ topic: 'x', qos: 1, packetId: 2, level: 5 }),
      publish({ topic: 'x', qos: 2, packetId: 3, level: 5 }),
      publish({ topic: 'x', qos: 0, level: 5 }),
      publish({ topic: 'news/1', qos: 1, packetId: 4, retain: true, level: 5 }),
      publish({ topic: 'own/2', qos: 1, packetId: 5, level: 5 }),
    );
    while (answers.length < 5) answers.push(await client.take('puback'));
    const reasons = (name: string) =>
      answers.filter((one) => one.name === name).map(({ packetId, reason }) => [packetId, reason]);
    expect(reasons('puback')).toEqual([
      [1, 0],
      [2, 0x87],
      [4, 0x87],
      [5, 0],
    ]);
    expect(reasons('pubrec')).toEqual([[3, 0x87]]);
    expect(door.door.stats.deniedIn - deniedIn).toBe(4);
    expect((await seen.messages(2)).map(({ topic }) => topic)).toEqual(['own/1', 'own/2']);
  });

  test('[MQTT3-3.3.5-2] 3.1.1: acknowledged and not forwarded, also when it is repeated', async () => {
    const seen = await root();
    await seen.subscribe('#');
    const client = await login('dev', 4);
    const twice = publish({ topic: 'x', qos: 2, packetId: 2 });
    client.send(publish({ topic: 'x', qos: 1, packetId: 1 }), twice, twice);
    client.send(publish({ topic: 'x', qos: 0 }), publish({ topic: 'own/1', qos: 1, packetId: 3 }));
    expect(
      [await client.take('puback'), await client.take('puback')].map(({ packetId }) => packetId),
    ).toEqual([1, 3]);
    await client.take('pubrec');
    await client.take('pubrec');
    client.send(acknowledge('pubrel', 2));
    await client.take('pubcomp');
    expect((await seen.messages(1)).map(({ topic }) => topic)).toEqual(['own/1']);
  });

  test('a ruling that was remembered goes with the policy', async () => {
    const client = await login('dev', 5);
    const ask = async (topic: string) => {
      client.publish({ topic, qos: 1 });
      return (await client.take('puback')).reason;
    };
    expect([await ask('own/1'), await ask('x'), await ask('own/1')]).toEqual([0, 0x87, 0]);
    identity.users.set('dev', { ...device(), may: { ...device().may, publish: ['x'] } });
    identity.changed();
    await waitFor(async () => (await ask('own/1')) === 0x87);
    expect(await ask('x')).toBe(0);
  });
});

describe('SUBSCRIBE', () => {
  test('[MQTT-3.9.3-1] a filter that is not allowed: 0x87, before MQTT 5 0x80; a share is wholly receivable or refused', async () => {
    identity.users.set('dev', { password: 'p', may: { subscribe: ['own/#', 'x/#'], receive: ['own/#'] } });
    identity.changed();
    const filters = ['own/#', 'y', '$share/g/own/#', '$share/g/x/#'].map((filter) => ({
      filter,
      qos: 1 as const,
    }));
    for (const [level, no] of [
      [5, 0x87],
      [4, 0x80],
    ] as const) {
      const client = await login('dev', level);
      expect((await client.subscribe(filters)).codes).toEqual([1, no, 1, no]);
    }
  });

  test('what a wildcard matches and the client may not receive is passed over: live, stored, retained; nothing stays behind', async () => {
    const other = await root();
    other.publish({ topic: 'x/kept', payload: 'v', qos: 1, packetId: 1, retain: true });
    other.publish({ topic: 'own/kept', payload: 'v', qos: 1, packetId: 2, retain: true });
    await other.take('puback');
    await other.take('puback');
    const client = await login('dev', 5);
    await client.subscribe('#', 1);
    expect((await client.messages(1)).map(({ topic }) => topic)).toEqual(['own/kept']);
    for (let n = 0; n < 5; n++) {
      other.publish({ topic: 'x/live', qos: 0 });
      other.publish({ topic: 'x/stored', qos: 1, packetId: 3 + n });
    }
    other.publish({ topic: 'own/live', qos: 0 });
    other.publish({ topic: 'own/stored', qos: 1, packetId: 9 });
    const topics = (await client.messages(2)).map(({ topic }) => topic);
    expect(topics.sort()).toEqual(['own/live', 'own/stored']);
    // Leave no retained message to other tests.
    other.publish({ topic: 'x/kept', qos: 1, packetId: 10, retain: true });
    other.publish({ topic: 'own/kept', qos: 1, packetId: 11, retain: true });
    for (let n = 0; n < 8; n++) await other.take('puback');
  });

  test('a session goes on without the filters, and the messages, that were taken from it meanwhile', async () => {
    const first = await login('dev', 5, persistent);
    await first.subscribe([
      { filter: 'own/#', qos: 1 },
      { filter: 'news/#', qos: 1 },
    ]);
    const other = await root();
    other.publish({ topic: 'news/unacknowledged', qos: 1, packetId: 1 });
    await first.take('publish');
    first.drop();
    await waitFor(async () => !(await recordOf(clientId)).includes('"connection"'));
    other.publish({ topic: 'news/missed', qos: 1, packetId: 2 });
    other.publish({ topic: 'own/missed', qos: 1, packetId: 3 });
    for (let n = 0; n < 3; n++) await other.take('puback');
    identity.users.set('dev', {
      ...device(),
      may: { ...device().may, subscribe: ['own/#'], receive: ['own/#'] },
    });
    identity.changed();
    const second = await login('dev', 5, persistent, there);
    expect(second.connack).toMatchObject({ reason: 0, present: 1 });
    expect((await second.messages(1)).map(({ topic }) => topic)).toEqual(['own/missed']);
    expect(await recordOf(clientId)).not.toContain('news/#');
    expect(await second.answers()).toEqual([]);
  });
});

describe('within two seconds', () => {
  test.each([
    ['the credentials are gone', () => void identity.users.delete('dev')],
    ['the password is another', () => void identity.users.set('dev', { ...device(), password: 'q' })],
    [
      'a subscription is not allowed any more',
      () => void identity.users.set('dev', { password: 'p', may: { subscribe: ['own/+'] } }),
    ],
  ])('%s: DISCONNECT 0x87; others stay', async (_what, change) => {
    const client = await login('dev', 5);
    await client.subscribe('own/#');
    const other = await root();
    change();
    identity.changed();
    expect(await client.end()).toMatchObject([{ name: 'disconnect', reason: 0x87 }]);
    expect(await other.answers()).toEqual([]);
  });

  test('one of a thousand subscriptions is not allowed any more, also by a client whose messages have to be asked for', async () => {
    const client = await login('dev', 5);
    const filters = Array.from({ length: 999 }, (_, n) => ({ filter: `own/${n}`, qos: 1 as const }));
    await client.subscribe([...filters, { filter: 'news/#', qos: 1 }]);
    identity.users.set('dev', { password: 'p', may: { subscribe: ['own/#'], receive: ['own/#'] } });
    identity.changed();
    expect(await client.end()).toMatchObject([{ name: 'disconnect', reason: 0x87 }]);
    expect((await login('dev', 5, { clientId: `${clientId}-again` })).connack).toMatchObject({ reason: 0 });
  });

  test('the proof expires', async () => {
    identity.users.set('dev', { ...device(), expiresAt: Date.now() + 4_000 });
    const client = await login('dev', 5);
    expect(client.connack).toMatchObject({ reason: 0 });
    expect(await client.end()).toMatchObject([{ name: 'disconnect', reason: 0x87 }]);
  });

  test('a will is published by a client that was thrown out only if it may be still', async () => {
    const seen = await root();
    await seen.subscribe('own/#');
    const will = (topic: string) => ({
      ...{ topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false, properties: undefined },
    });
    const thrown = await login('dev', 5, { will: will('own/thrown') });
    identity.users.delete('dev');
    identity.changed();
    await thrown.end();
    const left = await login('other', 5, { clientId: `${clientId}-2`, will: will('own/left') });
    left.send(disconnect(4));
    expect((await seen.messages(1)).map(({ topic }) => topic)).toEqual(['own/left']);
  });
});
