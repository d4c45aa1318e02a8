import { startNats, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  acknowledge,
  disconnect,
  field,
  packet,
  publish,
  subscribe,
  u16,
  unsubscribe,
} from '../testing/client-packets.ts';
import { peerOf, type Peer } from '../testing/peer.ts';
import type { PacketProperties } from '../codec/properties.ts';
import { realDoor, type RealDoor } from '../testing/real-door.ts';

let nats: NatsServer;
let here: RealDoor;
let plain: RealDoor;
beforeAll(async () => {
  nats = await startNats();
  here = await realDoor(nats.url, { receiveMaximum: 10, topicAliasMaximum: 5, maxPacketBytes: 60_000 });
  plain = await realDoor(nats.url, { topicAliasMaximum: 0 });
});
afterAll(async () => {
  await Promise.all([here[Symbol.asyncDispose](), plain[Symbol.asyncDispose]()]);
  await nats.stop();
});

let run = 0;
let clientId = '';
let topic = '';
beforeEach(() => {
  clientId = `limit-${++run}`;
  topic = `l${run}`;
});

const level = 5;
const five = (properties?: PacketProperties, id = clientId, door = here) =>
  peerOf(door, { level, clientId: id, properties });
const payloads = (packets: readonly { payload?: string }[]) => packets.map(({ payload }) => payload);
const say = async (pub: Peer, qos: 1 | 2, ...texts: string[]): Promise<void> => {
  for (const payload of texts) {
    pub.publish({ topic, qos, packetId: 1, payload });
    await pub.take(qos === 1 ? 'puback' : 'pubrec');
    if (qos === 1) continue;
    pub.send(acknowledge('pubrel', 1));
    await pub.take('pubcomp');
  }
};

describe('packets that break MQTT 5', () => {
  const raw = (first: number, ...fields: (Buffer | number[])[]) => packet(first, ...fields);
  const pub = (properties: number[]) => raw(0x30, field('a'), properties);
  test.each([
    ['[MQTT-3.8.1-1] flags of SUBSCRIBE', 0x81, raw(0x80, u16(1), [0], field('a'), [0])],
    ['[MQTT-3.10.1-1] flags of UNSUBSCRIBE', 0x81, raw(0xa0, u16(1), [0], field('a'))],
    ['[MQTT-3.6.1-1] flags of PUBREL', 0x81, raw(0x60, u16(1))],
    ['[MQTT-3.14.1-1] flags of DISCONNECT', 0x81, raw(0xe1)],
    ['[MQTT-3.15.1-1] flags of AUTH', 0x81, raw(0xf1, [0x18, 0])],
    ['[MQTT-2.1.3-1] a packet of type 0', 0x81, raw(0x00)],
    ['[MQTT-2.1.3-1] a packet of a server', 0x81, raw(0x20, [0, 0, 0])],
    ['[MQTT-3.3.1-2] DUP at QoS 0', 0x81, raw(0x38, field('a'), [0])],
    ['[MQTT-3.3.1-4] QoS 3', 0x81, raw(0x36, field('a'), u16(1), [0])],
    [
      '[MQTT-1.5.5-1] a remaining length not in its shortest form',
      0x81,
      Buffer.from([0x30, 0x84, 0, 0, 1, 97, 0]),
    ],
    ['[MQTT-1.5.5-1] a remaining length of five bytes', 0x81, Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 1])],
    ['[MQTT-2.2.2-1] no property length', 0x81, raw(0x30, field('a'))],
    ['[MQTT-1.5.7-1] a user property that is not UTF-8', 0x81, pub([8, 0x26, 0, 2, 0xc3, 0x28, 0, 1, 97])],
    ['[MQTT-1.5.4-2] U+0000 in a user property', 0x81, pub([8, 0x26, 0, 1, 0, 0, 2, 97, 97])],
    ['[MQTT-3.3.2-19] a content type that is not UTF-8', 0x81, pub([4, 0x03, 0, 1, 0xff])],
    ['[MQTT-3.3.2-13] a response topic that is not UTF-8', 0x81, pub([4, 0x08, 0, 1, 0xff])],
    ['a property of another packet', 0x81, pub([3, 0x21, 0, 9])],
    ['[MQTT-3.8.3-5] reserved bits in the options', 0x81, raw(0x82, u16(1), [0], field('a'), [0x40])],
    [
      '[MQTT-3.8.3-1] a filter that is not UTF-8',
      0x81,
      raw(0x82, u16(1), [0], field(Buffer.from([0xff])), [0]),
    ],
    ['[MQTT-3.10.3-1] one in UNSUBSCRIBE', 0x81, raw(0xa2, u16(1), [0], field(Buffer.from([0xff])))],
    ['[MQTT-4.7.1-1] # before the end', 0x81, subscribe(1, [{ filter: '#/a', qos: 0 }], level)],
    ['[MQTT-4.7.1-2] + beside characters', 0x81, subscribe(1, [{ filter: 'a+', qos: 0 }], level)],
    ['[MQTT-3.14.2-1] a reason that a client may not give', 0x81, disconnect(0x8e)],
    ['[MQTT-3.4.2-1] a reason that PUBACK does not have', 0x81, acknowledge('puback', 1, 0x01)],
    ['[MQTT-3.5.2-1] a reason that PUBREC does not have', 0x81, acknowledge('pubrec', 1, 0x92)],
    ['[MQTT-3.6.2-1] a reason that PUBREL does not have', 0x81, acknowledge('pubrel', 1, 0x80)],
    ['[MQTT-3.7.2-1] a reason that PUBCOMP does not have', 0x81, acknowledge('pubcomp', 1, 0x80)],
    ['[MQTT-2.2.1-3] packet id 0', 0x82, publish({ level, qos: 1, packetId: 0 })],
    ['[MQTT-3.8.3-2] SUBSCRIBE without a filter', 0x82, raw(0x82, u16(1), [0])],
    ['[MQTT-3.10.3-2] UNSUBSCRIBE without a filter', 0x82, raw(0xa2, u16(1), [0])],
    ['SUBSCRIBE at QoS 3', 0x82, raw(0x82, u16(1), [0], field('a'), [3])],
    ['Retain Handling 3', 0x82, raw(0x82, u16(1), [0], field('a'), [0x30])],
    [
      '[MQTT-3.8.3-4] No Local on a shared subscription',
      0x82,
      subscribe(1, [{ filter: '$share/g/a', qos: 0, noLocal: true }], level),
    ],
    ['subscription identifier 0', 0x82, raw(0x82, u16(1), [2, 0x0b, 0], field('a'), [0])],
    ['two subscription identifiers', 0x82, raw(0x82, u16(1), [4, 0x0b, 1, 0x0b, 2], field('a'), [0])],
    ['[MQTT-3.3.4-6] a subscription identifier in PUBLISH', 0x82, pub([2, 0x0b, 1])],
    ['[MQTT-3.3.2-14] a wildcard in the response topic', 0x82, pub([4, 0x08, 0, 1, 0x2b])],
    ['a payload format of 2', 0x82, pub([2, 0x01, 2])],
    ['a property that is there twice', 0x82, pub([6, 0x23, 0, 1, 0x23, 0, 1])],
    ['neither topic nor alias', 0x82, publish({ level, topic: '' })],
    ['an alias that stands for nothing', 0x82, publish({ level, topic: '', properties: { topicAlias: 1 } })],
    ['a session expiry at DISCONNECT where there was none', 0x82, disconnect(0, { sessionExpirySeconds: 9 })],
    ['[MQTT-3.3.2-8] topic alias 0', 0x94, pub([3, 0x23, 0, 0])],
    ['[MQTT-3.2.2-17] [MQTT-3.3.2-9] a topic alias above the maximum', 0x94, pub([3, 0x23, 0, 6])],
    [
      '[MQTT-3.2.2-15] a packet above Maximum Packet Size',
      0x95,
      publish({ level, payload: 'x'.repeat(60_001) }),
    ],
  ])(
    '[MQTT-4.13.1-1] [MQTT-4.13.2-1] %s: DISCONNECT with reason %i, and the end',
    async (_name, reason, bytes) => {
      const peer = await five();
      const said = await peer.end(bytes, publish({ level, topic: 'after' }));
      expect(said).toMatchObject([{ name: 'disconnect', reason }]);
    },
  );
});

describe('topic aliases', () => {
  test('[MQTT-3.2.2-18] without a maximum there are none', async () => {
    const peer = await five({}, clientId, plain);
    expect(peer.connack.properties?.topicAliasMaximum ?? 0).toBe(0);
    const said = await peer.end(publish({ level, topic, properties: { topicAlias: 1 } }));
    expect(said).toMatchObject([{ name: 'disconnect', reason: 0x94 }]);
  });

  test('[MQTT-3.3.2-12] [MQTT-3.3.2-7] each from 1 to the maximum is taken, for one connection', async () => {
    const sub = await five({}, `${clientId}-s`);
    await sub.subscribe(`${topic}/#`, 0);
    const peer = await five();
    expect(peer.connack.properties?.topicAliasMaximum).toBe(5);
    const aliased = (name: string, topicAlias: number, payload: string) =>
      publish({ level, topic: name, payload, properties: { topicAlias } });
    for (let alias = 1; alias <= 5; alias++) peer.send(aliased(`${topic}/${alias}`, alias, `told ${alias}`));
    for (let alias = 1; alias <= 5; alias++) peer.send(aliased('', alias, `used ${alias}`));
    const came = (await sub.messages(10)).map((one) => `${one.topic} ${one.payload}`);
    const expected = [1, 2, 3, 4, 5].flatMap((alias) => [
      `${topic}/${alias} told ${alias}`,
      `${topic}/${alias} used ${alias}`,
    ]);
    expect(came.sort()).toEqual(expected.sort());
    await peer.end(disconnect());
    const again = await five();
    expect(await again.end(aliased('', 1, 'unknown'))).toMatchObject([{ reason: 0x82 }]);
  });

  test('[MQTT-3.1.2-26] [MQTT-3.3.2-11] [MQTT-3.1.2-27] a client is sent none above its maximum, and none without one', async () => {
    const two = await five({ topicAliasMaximum: 2 }, `${clientId}-2`);
    const none = await five({}, `${clientId}-0`);
    const zero = await five({ topicAliasMaximum: 0 }, `${clientId}-z`);
    for (const peer of [two, none, zero]) await peer.subscribe(`${topic}/#`, 0);
    const pub = await five();
    for (let i = 0; i < 10; i++) pub.publish({ topic: `${topic}/${i % 5}`, payload: `${i}` });
    const aliases = (await two.messages(10)).map(({ properties }) => properties?.topicAlias);
    expect(new Set(aliases)).toEqual(new Set([1, 2, undefined]));
    for (const peer of [none, zero])
      for (const { properties } of await peer.messages(10)) expect(properties).toEqual({});
  });
});

test.each([
  ['a session without an expiry', 0, [undefined, 1, 1]],
  ['a session that is stored', 600, [undefined, undefined, 1]],
])('[MQTT-3.3.2-11] aliases at QoS 2 to %s', async (_name, sessionExpirySeconds, expected) => {
  const sub = await five({ topicAliasMaximum: 1, sessionExpirySeconds });
  await sub.subscribe(topic);
  const pub = await five({}, `${clientId}-p`);
  await say(pub, 2, 'a');
  const came = await sub.messages(1);
  await say(pub, sessionExpirySeconds === 0 ? 2 : 1, 'b');
  came.push(...(await sub.messages(1)));
  await say(pub, 2, 'c');
  came.push(...(await sub.messages(1)));
  // The topic is there until its alias was told, and left out then.
  expect(payloads(came)).toEqual(['a', 'b', 'c']);
  const used = came.map((one) => (one.topic === '' ? one.properties?.topicAlias : undefined));
  expect(used).toEqual(expected);
});

describe('flow control', () => {
  test('[MQTT-4.9.0-1] [MQTT-4.9.0-2] [MQTT-4.9.0-3] [MQTT-3.3.4-9] [MQTT-3.3.4-10] no more is open than Receive Maximum, and everything else goes on', async () => {
    const sub = await five({ receiveMaximum: 2 });
    await sub.subscribe(topic);
    const pub = await five({}, `${clientId}-p`);
    await say(pub, 1, 'a');
    await say(pub, 2, 'b', 'c', 'd');
    const open = await sub.messages(2);
    expect(payloads(open)).toEqual(['a', 'b']);
    // QoS 0, SUBSCRIBE, UNSUBSCRIBE, PINGREQ and PUBLISH from the client are not held up.
    await sub.subscribe(`${topic}/0`, 0);
    pub.publish({ topic: `${topic}/0`, payload: 'zero' });
    expect(await sub.messages(1)).toMatchObject([{ payload: 'zero', qos: 0 }]);
    sub.publish({ topic: 'x', qos: 1, packetId: 9 });
    expect(await sub.take('puback')).toMatchObject({ packetId: 9 });
    expect(await sub.answers(unsubscribe(8, [`${topic}/0`], level))).toMatchObject([{ name: 'unsuback' }]);
    // PUBREC leaves the place taken, PUBCOMP frees it, and so does PUBACK.
    sub.send(acknowledge('pubrec', open[1]!.packetId!));
    await sub.take('pubrel');
    expect(await sub.answers()).toEqual([]);
    sub.send(acknowledge('pubcomp', open[1]!.packetId!));
    expect(payloads(await sub.messages(1))).toEqual(['c']);
    sub.send(acknowledge('puback', open[0]!.packetId!));
    expect(payloads(await sub.messages(1))).toEqual(['d']);
  });

  test('[MQTT-3.3.4-9] [MQTT-4.4.0-1] a session that goes on with a smaller Receive Maximum is sent again no more than that at once, in order and before what is new', async () => {
    const session = (receiveMaximum: number, door: RealDoor) =>
      peerOf(door, {
        level,
        clientId,
        clean: false,
        properties: { sessionExpirySeconds: 600, receiveMaximum },
      });
    const sub = await session(10, here);
    await sub.subscribe(topic);
    const pub = await five({}, `${clientId}-p`);
    await say(pub, 1, 'a');
    await say(pub, 2, 'b');
    await say(pub, 1, 'c');
    await say(pub, 2, 'd');
    const first = (await sub.messages(4)).sort((one, two) => (one.payload! < two.payload! ? -1 : 1));
    sub.drop();
    const again = await session(1, plain);
    await say(pub, 1, 'e');
    for (const { payload, packetId, qos } of first) {
      expect(await again.messages(1)).toMatchObject([{ payload, packetId, qos, dup: true }]);
      expect(await again.answers()).toEqual([]);
      if (qos === 1) again.send(acknowledge('puback', packetId!));
      else {
        again.send(acknowledge('pubrec', packetId!));
        await again.take('pubrel');
        expect(await again.answers()).toEqual([]);
        again.send(acknowledge('pubcomp', packetId!));
      }
    }
    expect(await again.messages(1)).toMatchObject([{ payload: 'e', dup: false }]);
  });

  test('[MQTT-3.3.4-7] a client that sends more than the hub takes is disconnected with 0x93', async () => {
    const peer = await five();
    expect(peer.connack.properties?.receiveMaximum).toBe(10);
    const many = Array.from({ length: 11 }, (_, i) => publish({ level, topic, qos: 2, packetId: i + 1 }));
    expect((await peer.end(...many)).at(-1)).toMatchObject({ name: 'disconnect', reason: 0x93 });
  });
});

describe('reasons', () => {
  const bad = (qos: 1 | 2, packetId: number) =>
    publish({ level, topic, qos, packetId, payload: Buffer.from([0xff]), properties: { payloadFormat: 1 } });
  const deep = [{ filter: 'x/'.repeat(200), qos: 1 as const }];

  test('[MQTT-3.1.2-29] [MQTT-3.4.2-2] [MQTT-3.5.2-2] [MQTT-3.9.2-1] a refusal has a reason string for those who want one, where it fits', async () => {
    const refusals = async (properties: PacketProperties) => {
      const peer = await five(properties);
      return peer.answers(bad(1, 7), bad(2, 8), subscribe(9, deep, level));
    };
    const expected = [
      { name: 'puback', packetId: 7, reason: 0x99 },
      { name: 'pubrec', packetId: 8, reason: 0x99 },
      { name: 'suback', packetId: 9, codes: [0x8f] },
    ];
    const told = await refusals({});
    expect(told).toMatchObject(expected);
    for (const { properties } of told) expect(properties!.reasonString).not.toBe('');
    for (const quiet of [{ requestProblemInformation: false }, { maximumPacketBytes: 25 }]) {
      const bare = await refusals(quiet);
      expect(bare).toMatchObject(expected);
      for (const { properties } of bare) expect(properties).toEqual({});
    }
  });

  test('[MQTT-4.3.3-9] after a PUBREC that refuses the same id is a new message', async () => {
    const sub = await five({}, `${clientId}-s`);
    await sub.subscribe(topic);
    const peer = await five();
    peer.send(bad(2, 8));
    expect(await peer.take('pubrec')).toMatchObject({ packetId: 8, reason: 0x99 });
    peer.publish({ topic, qos: 2, packetId: 8, payload: 'good' });
    expect(await peer.take('pubrec')).toMatchObject({ packetId: 8, reason: 0 });
    peer.send(acknowledge('pubrel', 8));
    expect(await peer.take('pubcomp')).toMatchObject({ packetId: 8, reason: 0 });
    expect(payloads(await sub.messages(1))).toEqual(['good']);
  });

  test('[MQTT-4.4.0-2] what a client has refused with PUBACK or PUBREC is not sent again', async () => {
    const options = { level, clientId, clean: false, properties: { sessionExpirySeconds: 600 } } as const;
    const sub = await peerOf(here, options);
    await sub.subscribe(topic);
    const pub = await five({}, `${clientId}-p`);
    await say(pub, 1, 'one');
    await say(pub, 2, 'two');
    const [one, two] = await sub.messages(2);
    await sub.answers(
      acknowledge('puback', one!.packetId!, 0x80),
      acknowledge('pubrec', two!.packetId!, 0x83),
    );
    await sub.end(disconnect());
    const again = await peerOf(here, options);
    await say(pub, 1, 'three');
    expect(payloads(await again.messages(1))).toEqual(['three']);
  });

  test('[MQTT-3.6.2-1] [MQTT-3.7.2-1] PUBREL and PUBREC of an id that nothing is known of are answered with 0x92', async () => {
    const peer = await five();
    expect(await peer.answers(acknowledge('pubrel', 9), acknowledge('pubrec', 8))).toMatchObject([
      { name: 'pubcomp', packetId: 9, reason: 0x92 },
      { name: 'pubrel', packetId: 8, reason: 0x92 },
    ]);
  });
});

describe('message expiry', () => {
  test('[MQTT-4.3.3-7] a message whose PUBLISH was sent is sent again although it has expired', async () => {
    const options = { level, clientId, clean: false, properties: { sessionExpirySeconds: 600 } } as const;
    const sub = await peerOf(here, options);
    await sub.subscribe(topic);
    const pub = await five({}, `${clientId}-p`);
    pub.publish({ topic, qos: 2, packetId: 1, payload: 'brief', properties: { messageExpirySeconds: 5 } });
    await pub.take('pubrec');
    const [first] = await sub.messages(1);
    sub.drop();
    await new Promise((resolve) => setTimeout(resolve, 5_500));
    const again = await peerOf(here, options);
    expect(await again.messages(1)).toMatchObject([
      { payload: 'brief', packetId: first!.packetId, dup: true },
    ]);
    again.send(acknowledge('pubrec', first!.packetId!));
    expect(await again.take('pubrel')).toMatchObject({ reason: 0 });
  });

  test('[MQTT-4.3.3-13] the exchange of one that has expired under way is completed', async () => {
    const pub = await five();
    pub.publish({ topic, qos: 2, packetId: 1, payload: 'over', properties: { messageExpirySeconds: 0 } });
    expect(await pub.take('pubrec')).toMatchObject({ packetId: 1, reason: 0 });
    pub.send(acknowledge('pubrel', 1));
    expect(await pub.take('pubcomp')).toMatchObject({ packetId: 1, reason: 0 });
  });
});

describe('no local', () => {
  test('[MQTT-3.8.3-3] holds for a client whose id was assigned, at every QoS, by the filters that ask for it', async () => {
    const own = await five({}, '');
    await own.subscribe([
      { filter: `${topic}/+`, qos: 2, noLocal: true },
      { filter: `${topic}/b`, qos: 0 },
    ]);
    for (const qos of [0, 1, 2] as const)
      for (const name of ['a', 'b'])
        own.publish({
          topic: `${topic}/${name}`,
          qos,
          packetId: qos + 1 + (name === 'a' ? 10 : 0),
          payload: `${name} ${qos}`,
        });
    const other = await five({}, `${clientId}-o`);
    const came = await own.messages(3);
    other.publish({ topic: `${topic}/a`, qos: 1, packetId: 1, payload: 'foreign' });
    came.push(...(await own.messages(1)));
    expect(came.map(({ payload, qos }) => `${payload} at ${qos}`).sort()).toEqual([
      'b 0 at 0',
      'b 1 at 0',
      'b 2 at 0',
      'foreign at 1',
    ]);
  });

  test('[MQTT-3.8.3-3] holds for what is retained, too', async () => {
    const own = await five();
    own.publish({ topic: `${topic}/own`, qos: 1, packetId: 1, payload: 'own', retain: true });
    await own.take('puback');
    const other = await five({}, `${clientId}-o`);
    other.publish({ topic: `${topic}/other`, qos: 1, packetId: 1, payload: 'other', retain: true });
    await other.take('puback');
    await own.subscribe([{ filter: `${topic}/#`, qos: 1, noLocal: true }]);
    other.publish({ topic: `${topic}/end`, qos: 1, packetId: 2, payload: 'end' });
    expect(payloads(await own.messages(2))).toEqual(['other', 'end']);
  });
});
