import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  connect,
  disconnect,
  field,
  packet,
  PINGREQ,
  publish,
  subscribe,
  u16,
} from '../testing/client-packets.ts';
import { bare, peerOf, type Peer } from '../testing/peer.ts';
import { realDoor, type RealDoor } from '../testing/real-door.ts';

let nats: NatsServer;
let here: RealDoor;
let there: RealDoor;
beforeAll(async () => {
  nats = await startNats();
  [here, there] = await Promise.all([realDoor(nats.url), realDoor(nats.url)]);
});
afterAll(async () => {
  await Promise.all([here[Symbol.asyncDispose](), there[Symbol.asyncDispose]()]);
  await nats.stop();
});

let run = 0;
let clientId = '';
let topic = '';
beforeEach(() => {
  clientId = `conn-${++run}`;
  topic = `c${run}`;
});

/** Drops a connection of `here`; resolves when the door knows. */
async function gone(peer: Peer): Promise<void> {
  const before = here.door.connections;
  peer.drop();
  await waitFor(() => here.door.connections < before);
}

/** What makes a session stay, in either version. */
const kept = (level: 4 | 5) => ({
  level,
  clean: false,
  properties: level === 5 ? { sessionExpirySeconds: 600 } : undefined,
});

describe.each([4, 5] as const)('CONNECT, level %i', (level) => {
  test('[MQTT3-3.1.4-4] [MQTT3-3.2.0-1] [MQTT-3.1.4-5] [MQTT-3.2.0-1] [MQTT-3.2.0-2] [MQTT-3.2.2-1] is answered with one CONNACK, first of all', async () => {
    const peer = await bare(here, level);
    const after = [subscribe(1, [{ filter: topic, qos: 0 }], level), publish({ topic, level })];
    const [first, ...rest] = await peer.answers(connect({ level, clientId }), ...after);
    expect(first).toMatchObject({ name: 'connack', present: 0, reason: 0 });
    expect(rest.filter(({ name }) => name === 'connack')).toEqual([]);
  });

  test('[MQTT3-3.1.0-2] [MQTT-3.1.0-2] a second one closes the connection', async () => {
    const peer = await peerOf(here, { level, clientId });
    const said = await peer.end(connect({ level, clientId }), PINGREQ);
    expect(said).toMatchObject(level === 5 ? [{ name: 'disconnect', reason: 0x82 }] : []);
  });

  test.each([
    ['PINGREQ', PINGREQ],
    ['PUBLISH', publish({ level })],
    ['SUBSCRIBE', subscribe(1, [{ filter: 'a', qos: 0 }], level)],
    ['DISCONNECT', disconnect()],
  ])(
    '[MQTT3-3.1.0-1] [MQTT-3.1.0-1] [MQTT-3.14.0-1] %s before it closes the connection without a word',
    async (_name, bytes) => {
      const peer = await bare(here, level);
      expect(await peer.end(bytes, connect({ level, clientId }))).toEqual([]);
    },
  );

  test('[MQTT3-3.1.2-6] [MQTT3-3.1.4-3] [MQTT3-3.2.2-1] [MQTT-3.1.2-4] [MQTT-3.1.4-4] [MQTT-3.2.2-2] a clean one discards the session and its messages', async () => {
    const first = await peerOf(here, { ...kept(level), clientId });
    await first.subscribe(topic, 1);
    await first.end(disconnect());
    const pub = await peerOf(there, { level, clientId: `${clientId}-p` });
    pub.publish({ topic, qos: 1, packetId: 1, payload: 'missed' });
    await pub.take('puback');
    const clean = await peerOf(there, { ...kept(level), clean: true, clientId });
    expect(clean.connack).toMatchObject({ present: 0, reason: 0 });
    pub.publish({ topic, qos: 1, packetId: 2, payload: 'not subscribed' });
    await pub.take('puback');
    await clean.subscribe(topic, 1);
    pub.publish({ topic, qos: 1, packetId: 3, payload: 'subscribed' });
    expect(await clean.messages(1)).toMatchObject([{ payload: 'subscribed' }]);
  });

  test('[MQTT3-3.1.2-4] [MQTT3-3.2.2-2] [MQTT3-3.2.2-3] [MQTT3-4.1.0-1] [MQTT3-4.5.0-1] [MQTT-3.1.2-5] [MQTT-3.1.2-6] [MQTT-3.2.2-3] [MQTT-4.1.0-1] [MQTT-4.5.0-1] another one begins a session or goes on with it', async () => {
    const first = await peerOf(here, { ...kept(level), clientId });
    expect(first.connack).toMatchObject({ present: 0, reason: 0 });
    await first.subscribe(topic, 2);
    await first.end(disconnect());
    const pub = await peerOf(there, { level, clientId: `${clientId}-p` });
    for (const qos of [1, 2] as const) pub.publish({ topic, qos, packetId: qos, payload: `missed ${qos}` });
    await Promise.all([pub.take('puback'), pub.take('pubrec')]);
    const again = await peerOf(there, { ...kept(level), clientId });
    expect(again.connack).toMatchObject({ present: 1, reason: 0 });
    expect((await again.messages(2)).map(({ payload, qos }) => `${payload} ${qos}`).sort()).toEqual([
      'missed 1 1',
      'missed 2 2',
    ]);
  });

  test('[MQTT3-3.1.4-2] [MQTT3-3.1.3-2] [MQTT-3.1.4-3] [MQTT-3.1.3-2] the same client id again closes the older connection, and only that', async () => {
    const [other, old] = [
      await peerOf(here, { level, clientId: `${clientId}-other` }),
      await peerOf(here, { level, clientId }),
    ];
    const said = old.end();
    const fresh = await peerOf(there, { level, clientId });
    expect(await said).toMatchObject(
      level === 5
        ? [
            {
              name: 'disconnect',
              reason: 0x8e,
              properties: { reasonString: expect.stringMatching(/another connection/i) as string },
            },
          ]
        : [],
    );
    expect([await fresh.answers(), await other.answers()]).toEqual([[], []]);
  });

  test('[MQTT3-3.1.3-5] [MQTT-3.1.3-5] ids of 1 to 23 digits and letters are taken', async () => {
    for (const id of ['0', 'Z', '0123456789ABCDEFGHIJKLM', 'nopqrstuvwxyzNOPQRSTUVW', 'abcdefghijklmXYZ'])
      expect((await peerOf(here, { level, clientId: id })).connack.reason).toBe(0);
  });

  test('[MQTT3-3.1.4-5] [MQTT3-3.1.3-9] [MQTT3-3.2.2-4] [MQTT3-3.2.2-5] [MQTT-3.1.4-6] [MQTT-3.1.3-8] [MQTT-3.2.2-6] [MQTT-3.2.2-7] [MQTT-4.13.2-1] after one that is refused nothing is processed, and the connection is closed', async () => {
    const watcher = await peerOf(there, { level, clientId: `${clientId}-w` });
    await watcher.subscribe(topic, 1);
    const peer = await bare(here, level);
    const said = await peer.end(
      connect({ level, clientId: 'x'.repeat(1_100) }),
      publish({ level, topic, qos: 1, payload: 'not to be' }),
      PINGREQ,
    );
    expect(said).toMatchObject([{ name: 'connack', present: 0, reason: level === 5 ? 0x85 : 2 }]);
    watcher.publish({ topic, qos: 1, packetId: 1, payload: 'the only one' });
    expect(await watcher.messages(1)).toMatchObject([{ payload: 'the only one' }]);
  });

  test('[MQTT3-3.1.2-24] [MQTT3-4.1.0-2] [MQTT-3.1.2-22] [MQTT-3.2.2-22] [MQTT-4.1.0-1] a keep alive that is missed closes the connection, and not before one and a half times; a session lasts as long as its connection', async () => {
    const watcher = await peerOf(there, { level, clientId: `${clientId}-w` });
    await watcher.subscribe(topic, 1);
    const will = {
      topic,
      payload: Buffer.from('failed'),
      qos: 1 as const,
      retain: false,
      properties: undefined,
    };
    // Before the door has heard anything: from then on it waits no less.
    const begun = performance.now();
    const peer = await peerOf(here, { level, clientId, keepAliveSeconds: 2, will });
    expect(peer.connack.properties?.serverKeepAliveSeconds).toBeUndefined();
    const said = await peer.end();
    expect(performance.now() - begun).toBeGreaterThan(2_900);
    expect(said).toMatchObject(level === 5 ? [{ name: 'disconnect', reason: 0x8d }] : []);
    expect(await watcher.messages(1)).toMatchObject([{ payload: 'failed' }]);
  });

  test('[MQTT3-3.1.2-1] [MQTT-3.1.2-1] [MQTT-3.1.4-1] a wrong protocol name closes the connection without an answer', async () => {
    const peer = await bare(here, level);
    expect(await peer.end(packet(0x10, field('MQTTX'), [level, 2], u16(0), [0], field('c')))).toEqual([]);
  });
});

describe.each([4, 5] as const)('a will, level %i', (level) => {
  const will = (payload: string, more: { retain?: boolean; qos?: 0 | 1 | 2 } = {}) => ({
    ...{ topic, payload: Buffer.from(payload), qos: 1 as const, retain: false, properties: undefined },
    ...more,
  });

  test('[MQTT3-3.1.2-8] [MQTT3-3.1.2-10] [MQTT3-3.1.2-16] [MQTT-3.1.2-7] [MQTT-3.1.2-8] [MQTT-3.1.2-10] [MQTT-3.1.2-14] is published once when the connection is lost, not retained', async () => {
    const watcher = await peerOf(there, { level, clientId: `${clientId}-w` });
    await watcher.subscribe(topic, 2);
    for (const qos of [0, 1, 2] as const) {
      const mortal = await peerOf(here, { ...kept(level), clientId, will: will(`lost ${qos}`, { qos }) });
      mortal.drop();
      expect(await watcher.messages(1)).toMatchObject([{ payload: `lost ${qos}`, qos, retain: false }]);
    }
    // Without a will, and with one that was published already, nothing more comes.
    await gone(await peerOf(here, { ...kept(level), clientId }));
    watcher.publish({ topic, qos: 1, packetId: 1, payload: 'end' });
    expect(await watcher.messages(1)).toMatchObject([{ payload: 'end' }]);
    const late = await peerOf(there, { level, clientId: `${clientId}-l` });
    await late.subscribe(topic, 1);
    expect(await late.answers()).toEqual([]);
  });

  test('[MQTT3-3.1.2-17] [MQTT-3.1.2-15] is retained when it asks for it', async () => {
    const watcher = await peerOf(there, { level, clientId: `${clientId}-w` });
    await watcher.subscribe(topic, 1);
    (await peerOf(here, { level, clientId, will: will('kept', { retain: true }) })).drop();
    await watcher.messages(1);
    const late = await peerOf(there, { level, clientId: `${clientId}-l` });
    await late.subscribe(topic, 1);
    expect(await late.messages(1)).toMatchObject([{ payload: 'kept', retain: true }]);
  });

  test('[MQTT3-3.1.2-12] [MQTT3-3.14.4-3] [MQTT-3.14.4-3] DISCONNECT drops it, and without one there is none', async () => {
    const watcher = await peerOf(there, { level, clientId: `${clientId}-w` });
    await watcher.subscribe(topic, 1);
    await (await peerOf(here, { level, clientId, will: will('never') })).end(disconnect());
    await gone(await peerOf(here, { level, clientId }));
    watcher.publish({ topic, qos: 1, packetId: 1, payload: 'end' });
    expect(await watcher.messages(1)).toMatchObject([{ payload: 'end' }]);
  });
});

describe('CONNECT of 3.1.1', () => {
  test('[MQTT3-3.1.4-1] [MQTT3-3.2.2-6] one that is malformed is not answered', async () => {
    for (const bytes of [
      packet(0x10, field('MQTT'), [4, 3], u16(0), field('c')), // reserved flag
      packet(0x10, field('MQTT'), [4, 0x42], u16(0), field('c'), field('p')), // password without user name
      packet(0x10, field('MQTT'), [4, 2], u16(0)), // no client id
      packet(0x10, field('MQTT'), [4, 2], u16(0), field('c'), [1]), // too long
    ])
      expect(await (await bare(here, 4)).end(bytes)).toEqual([]);
  });

  test('[MQTT3-3.1.2-2] a level that is not served gets 0x01', async () => {
    const peer = await bare(here, 4);
    const said = await peer.end(packet(0x10, field('MQTT'), [6, 2], u16(0), field('c')));
    expect(said).toMatchObject([{ name: 'connack', present: 0, reason: 1 }]);
  });

  test('[MQTT3-3.1.3-7] [MQTT3-3.1.3-8] an empty id without a clean session gets 0x02', async () => {
    const peer = await bare(here, 4);
    expect(await peer.end(connect({ clientId: '', clean: false }))).toMatchObject([
      { present: 0, reason: 2 },
    ]);
  });
});

describe('CONNECT of 5', () => {
  test('[MQTT-3.1.4-1] [MQTT-3.2.2-8] [MQTT-4.13.1-1] one that is broken is told how, and the connection is closed', async () => {
    const five = (flags: number, properties: number[], ...fields: Buffer[]) =>
      packet(0x10, field('MQTT'), [5, flags], u16(0), properties, ...fields);
    const cases: [number, Buffer][] = [
      [0x81, five(3, [0], field('c'))],
      [0x81, five(2, [0])],
      [0x81, five(0x1e, [0], field('c'), Buffer.from([0]), field('w'), field('m'))],
      [0x81, five(2, [2, 0x24, 1], field('c'))], // a property of CONNACK
      [0x82, five(2, [3, 0x21, 0, 0], field('c'))], // Receive Maximum 0
      [0x82, five(2, [5, 0x27, 0, 0, 0, 0], field('c'))], // Maximum Packet Size 0
      [0x82, five(2, [2, 0x17, 2], field('c'))], // Request Problem Information 2
      [0x82, five(2, [10, 0x11, 0, 0, 0, 1, 0x11, 0, 0, 0, 1], field('c'))], // twice
      [0x82, five(2, [4, 0x16, 0, 1, 9], field('c'))], // data without a method
    ];
    for (const [reason, bytes] of cases)
      expect(await (await bare(here, 5)).end(bytes)).toMatchObject([{ name: 'connack', present: 0, reason }]);
  });

  test('[MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16] an empty id gets one of its own, clean start or not', async () => {
    const made = await Promise.all(
      [true, false].map((clean) =>
        peerOf(here, { level: 5, clientId: '', clean, properties: { sessionExpirySeconds: 60 } }),
      ),
    );
    const ids = made.map(({ connack }) => connack.properties?.assignedClientId);
    expect(new Set(ids).size).toBe(2);
    expect(ids.every((id) => typeof id === 'string' && id !== '')).toBe(true);
    await made[1]!.end(disconnect());
    const again = await peerOf(there, { ...kept(5), clientId: ids[1]! });
    expect(again.connack).toMatchObject({ present: 1, reason: 0 });
    expect(again.connack.properties).not.toHaveProperty('assignedClientId');
  });

  test('[MQTT-3.1.4-2] one that is well-formed and not taken gets a reason, and the connection is closed', async () => {
    const topicOfWill = 'x/'.repeat(200);
    const will = {
      topic: topicOfWill,
      payload: Buffer.from('w'),
      qos: 1 as const,
      retain: false,
      properties: undefined,
    };
    for (const [reason, fields] of [
      [0x90, { will }],
      [0x8c, { properties: { authMethod: 'NOBODY-KNOWS' } }],
    ] as const)
      expect(await (await bare(here, 5)).end(connect({ level: 5, clientId, ...fields }))).toMatchObject([
        { name: 'connack', present: 0, reason },
      ]);
  });

  test('[MQTT-3.1.2-28] Response Information is for those who ask for it', async () => {
    const ask = async (properties: object) =>
      (await peerOf(here, { level: 5, clientId, properties })).connack.properties?.responseInformation;
    expect(await ask({ requestResponseInformation: false })).toBeUndefined();
    expect(await ask({})).toBeUndefined();
    expect(await ask({ requestResponseInformation: true })).toContain(clientId);
  });

  test('[MQTT-3.1.2-24] [MQTT-3.2.2-19] no CONNACK is larger than the client takes', async () => {
    const tiny = async (maximumPacketBytes: number, fields: object = {}) => {
      const peer = await bare(here, 5);
      return peer.end(connect({ level: 5, clientId, properties: { maximumPacketBytes }, ...fields }));
    };
    expect(await tiny(10)).toMatchObject([{ name: 'connack', reason: 0x95, properties: {} }]);
    expect(await tiny(4)).toEqual([]);
    const long = { clientId: 'x'.repeat(1_100) };
    expect(await tiny(6, long)).toMatchObject([{ reason: 0x85, properties: {} }]);
    expect(await tiny(100, long)).toMatchObject([{ reason: 0x85, properties: { reasonString: 'too long' } }]);
  });

  test('[MQTT-3.1.2-23] [MQTT-4.1.0-2] a session stays for its expiry and no longer', async () => {
    const brief = { level: 5 as const, clientId, clean: false, properties: { sessionExpirySeconds: 10 } };
    await (await peerOf(here, brief)).end(disconnect());
    const soon = await peerOf(here, { ...brief, properties: { sessionExpirySeconds: 600 } });
    expect(soon.connack.present).toBe(1);
    await soon.end(disconnect(0, { sessionExpirySeconds: 1 }));
    await waitFor(async () => (await here.bus.bucket('sessions').get(clientId)) === undefined, {
      timeoutMs: 45_000,
    });
    expect((await peerOf(there, brief)).connack.present).toBe(0);
  });

  test('[MQTT-3.1.3-10] user properties of a will keep their order', async () => {
    const watcher = await peerOf(there, { level: 5, clientId: `${clientId}-w` });
    await watcher.subscribe(topic, 1);
    const userProperties: [string, string][] = [
      ['b', '2'],
      ['a', '1'],
      ['b', '1'],
      ['', ''],
    ];
    const will = {
      topic,
      payload: Buffer.from('w'),
      qos: 1 as const,
      retain: false,
      properties: { userProperties },
    };
    (await peerOf(here, { level: 5, clientId, will })).drop();
    expect((await watcher.messages(1))[0]!.properties?.userProperties).toEqual(userProperties);
  });

  test.each([
    ['delay 0, the session goes on: at once', 0, false, true],
    ['a delay, the session goes on: not at all', 600, false, false],
    ['a delay, a clean start ends the session: at once', 600, true, true],
  ])(
    '[MQTT-3.1.2-8] [MQTT-3.1.3-9] a will at takeover: %s',
    async (_name, willDelaySeconds, clean, comes) => {
      const watcher = await peerOf(there, { level: 5, clientId: `${clientId}-w` });
      await watcher.subscribe(topic, 1);
      const will = { topic, payload: Buffer.from('will'), qos: 1 as const, retain: false };
      await peerOf(here, { ...kept(5), clientId, will: { ...will, properties: { willDelaySeconds } } });
      const next = await peerOf(there, { ...kept(5), clean, clientId });
      if (comes) expect(await watcher.messages(1)).toMatchObject([{ payload: 'will' }]);
      next.publish({ topic, qos: 1, packetId: 1, payload: 'end' });
      expect(await watcher.messages(1)).toMatchObject([{ payload: 'end' }]);
    },
  );

  test('[MQTT-3.14.2-2] [MQTT-3.14.2-3] [MQTT-3.14.4-1] [MQTT-3.14.4-2] DISCONNECT of the hub is the last packet, has no session expiry, and its reason string only where it fits', async () => {
    const roomy = await peerOf(here, { level: 5, clientId, properties: { sessionExpirySeconds: 600 } });
    const said = await roomy.end(
      connect({ level: 5 }),
      PINGREQ,
      subscribe(1, [{ filter: topic, qos: 0 }], 5),
    );
    expect(said).toMatchObject([{ name: 'disconnect', reason: 0x82 }]);
    expect(Object.keys(said[0]!.properties!)).toEqual(['reasonString']);
    const narrow = await peerOf(here, { level: 5, clientId, properties: { maximumPacketBytes: 20 } });
    expect(await narrow.end(connect({ level: 5 }))).toMatchObject([{ reason: 0x82, properties: {} }]);
  });
});
