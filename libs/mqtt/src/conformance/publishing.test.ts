import { isDeepStrictEqual } from 'node:util';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acknowledge, disconnect, field, packet, publish, u16 } from '../testing/client-packets.ts';
import { peerOf, type Peer } from '../testing/peer.ts';
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
  clientId = `pub-${++run}`;
  topic = `p${run}`;
});

const payloads = (packets: readonly { payload?: string }[]) => packets.map(({ payload }) => payload);

describe.each([4, 5] as const)('PUBLISH from a client, level %i', (level) => {
  let pub: Peer;
  let sub: Peer;
  beforeEach(async () => {
    pub = await peerOf(here, { level, clientId });
    sub = await peerOf(there, { level, clientId: `${clientId}-s` });
    await sub.subscribe(topic);
  });

  test('[MQTT3-3.3.4-1] [MQTT3-2.3.1-5] [MQTT3-2.3.1-6] [MQTT-3.3.4-1] [MQTT-2.2.1-2] [MQTT-2.2.1-5] [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.7.2-1] is answered as its QoS demands, with its packet id', async () => {
    const at = (qos: 0 | 1 | 2) => publish({ level, topic, qos, packetId: 256 + qos, payload: `${qos}` });
    pub.send(at(0), at(1), at(2));
    const [puback, pubrec] = [await pub.take('puback'), await pub.take('pubrec')];
    pub.send(acknowledge('pubrel', 258));
    const pubcomp = await pub.take('pubcomp');
    expect([puback, pubrec, pubcomp]).toMatchObject([
      { packetId: 257, reason: 0 },
      { packetId: 258, reason: 0 },
      { packetId: 258, reason: 0 },
    ]);
    expect(await pub.answers()).toEqual([]);
    const came = await sub.messages(3);
    expect(payloads(came).sort()).toEqual(['0', '1', '2']);
    expect(came.find(({ qos }) => qos === 0)).not.toHaveProperty('packetId');
  });

  test('[MQTT3-4.3.2-2] [MQTT-4.3.2-4] [MQTT-4.3.2-5] after PUBACK the same id is a new message, whatever DUP says', async () => {
    for (const [payload, dup] of [
      ['a', false],
      ['b', true],
      ['b', true],
    ] as const) {
      pub.publish({ topic, qos: 1, packetId: 7, payload, dup });
      expect(await pub.take('puback')).toMatchObject({ packetId: 7 });
    }
    expect(payloads(await sub.messages(3))).toEqual(['a', 'b', 'b']);
  });

  test('[MQTT3-4.3.3-2] [MQTT-4.3.3-8] [MQTT-4.3.3-10] [MQTT-4.3.3-11] [MQTT-4.3.3-12] QoS 2 is delivered once until PUBREL, then the id is a new message', async () => {
    for (const dup of [false, true, false]) {
      pub.publish({ topic, qos: 2, packetId: 7, payload: 'once', dup });
      expect(await pub.take('pubrec')).toMatchObject({ packetId: 7, reason: 0 });
    }
    pub.send(acknowledge('pubrel', 7));
    expect(await pub.take('pubcomp')).toMatchObject({ packetId: 7, reason: 0 });
    pub.publish({ topic, qos: 2, packetId: 7, payload: 'again' });
    await pub.take('pubrec');
    const came = await sub.messages(1);
    sub.send(acknowledge('pubrec', came[0]!.packetId!));
    came.push(...(await sub.messages(1)));
    expect(payloads(came)).toEqual(['once', 'again']);
  });

  test('[MQTT3-4.6.0-2] [MQTT3-4.6.0-3] [MQTT-4.6.0-2] [MQTT-4.6.0-3] PUBACKs and PUBRECs come in the order of the PUBLISHes', async () => {
    const ids = Array.from({ length: 50 }, (_, i) => 100 - i);
    pub.send(...ids.map((packetId) => publish({ level, topic, qos: packetId % 2 === 0 ? 1 : 2, packetId })));
    const came: (number | undefined)[][] = [[], []];
    for (const packetId of ids)
      came[packetId % 2]!.push((await pub.take(packetId % 2 === 0 ? 'puback' : 'pubrec')).packetId);
    expect(came).toEqual([ids.filter((id) => id % 2 === 0), ids.filter((id) => id % 2 === 1)]);
  });

  test('[MQTT3-4.6.0-5] [MQTT3-4.6.0-6] [MQTT-4.6.0-5] [MQTT-4.6.0-6] messages of each QoS are delivered in their order', async () => {
    const numbers = Array.from({ length: 60 }, (_, i) => i);
    pub.send(
      ...numbers.map((i) =>
        publish({ level, topic, qos: (i % 3) as 0 | 1 | 2, packetId: i + 1, payload: `${i}` }),
      ),
    );
    const came = await sub.messages(60);
    for (const qos of [0, 1, 2])
      expect(came.filter((one) => one.qos === qos).map(({ payload }) => Number(payload))).toEqual(
        numbers.filter((i) => i % 3 === qos),
      );
  });

  test('[MQTT3-3.3.1-3] [MQTT3-4.3.1-1] [MQTT3-4.3.2-1] [MQTT-3.3.1-3] [MQTT-4.3.1-1] [MQTT-4.3.2-2] [MQTT-4.3.3-2] DUP of a message is not passed on', async () => {
    for (const qos of [1, 2] as const)
      pub.publish({ topic, qos, packetId: qos, payload: `${qos}`, dup: true });
    pub.publish({ topic, payload: '0' });
    for (const { dup } of await sub.messages(3)) expect(dup).toBe(false);
  });

  test.each([
    [
      '[MQTT3-3.3.2-2] [MQTT-3.3.2-2] [MQTT-4.7.0-1] a wildcard in the topic',
      publish({ level, topic: 'a/+' }),
    ],
    ['[MQTT3-4.7.3-2] [MQTT-4.7.3-2] U+0000 in the topic', publish({ level, topic: 'a\0' })],
    [
      '[MQTT3-3.3.2-1] [MQTT-3.3.2-1] a topic that is not UTF-8',
      packet(0x30, field(Buffer.from([0xc3])), [0]),
    ],
    ['[MQTT3-4.7.3-1] [MQTT-4.7.3-1] an empty topic', publish({ level, topic: '' })],
    ['[MQTT3-3.3.1-4] [MQTT-3.3.1-4] QoS 3', packet(0x36, field('a'), u16(1), [0])],
    ['[MQTT3-2.3.1-1] [MQTT-2.2.1-3] packet id 0', publish({ level, topic: 'a', qos: 1, packetId: 0 })],
  ])(
    '[MQTT3-4.8.0-1] [MQTT-4.13.1-1] %s closes the connection, and what follows is not published',
    async (_name, bytes) => {
      const said = await pub.end(bytes, publish({ level, topic, payload: 'no' }));
      expect(said).toMatchObject(level === 5 ? [{ name: 'disconnect' }] : []);
      if (level === 5) expect([0x81, 0x82]).toContain(said[0]!.reason);
      sub.publish({ topic, payload: 'yes' });
      expect(payloads(await sub.messages(1))).toEqual(['yes']);
    },
  );
});

test('[MQTT3-3.3.5-2] a PUBLISH of 3.1.1 to a topic that is not taken closes the connection', async () => {
  const peer = await peerOf(here, { level: 4, clientId });
  expect(await peer.end(publish({ topic: 'x/'.repeat(200), qos: 1 }))).toEqual([]);
});

describe.each([4, 5] as const)('retained messages, level %i', (level) => {
  const later = async (name: string): Promise<Peer> => {
    const peer = await peerOf(there, { level, clientId: `${clientId}-${name}` });
    await peer.subscribe(`${topic}/#`);
    return peer;
  };

  test('[MQTT3-3.3.1-5] [MQTT3-3.3.1-6] [MQTT3-3.3.1-7] [MQTT3-3.3.1-8] [MQTT-3.3.1-5] [MQTT-3.3.1-9] the last one of each topic comes to new subscribers, at its QoS, with the flag', async () => {
    const pub = await peerOf(here, { level, clientId });
    pub.publish({ topic: `${topic}/a`, qos: 2, packetId: 1, payload: 'older', retain: true });
    await pub.take('pubrec');
    pub.publish({ topic: `${topic}/b`, qos: 1, packetId: 2, payload: 'one', retain: true });
    await pub.take('puback');
    pub.publish({ topic: `${topic}/c`, qos: 1, packetId: 3, payload: 'gone', retain: true });
    await pub.take('puback');
    for (const name of ['a', 'c']) pub.publish({ topic: `${topic}/${name}`, payload: 'zero', retain: true });
    // QoS 0 is not answered: it is asked for until it is there.
    let tries = 0;
    const retained = async (): Promise<string[]> => {
      const came = await (await later(`l${++tries}`)).messages(3);
      return came.map((one) => `${one.topic} ${one.payload} ${one.qos} ${one.retain}`).sort();
    };
    const expected = [`${topic}/a zero 0 true`, `${topic}/b one 1 true`, `${topic}/c zero 0 true`];
    await waitFor(async () => isDeepStrictEqual(await retained(), expected));
  });

  test('[MQTT3-3.3.1-9] [MQTT3-3.3.1-10] [MQTT3-3.3.1-11] [MQTT3-3.3.1-12] [MQTT-3.3.1-6] [MQTT-3.3.1-7] [MQTT-3.3.1-8] [MQTT-3.3.1-12] is news to those who are there; only an empty one with the flag removes it', async () => {
    const pub = await peerOf(here, { level, clientId });
    const watcher = await later('w');
    const say = async (payload: string, retain: boolean): Promise<void> => {
      pub.publish({ topic: `${topic}/a`, qos: 1, packetId: 1, payload, retain });
      await pub.take('puback');
    };
    await say('kept', true);
    await say('plain', false);
    await say('', false);
    const seen = await watcher.messages(3);
    expect(payloads(seen)).toEqual(['kept', 'plain', '']);
    expect(seen.map(({ retain }) => retain)).toEqual([false, false, false]);
    expect(payloads(await (await later('l')).messages(1))).toEqual(['kept']);
    await say('', true);
    expect(await watcher.messages(1)).toMatchObject([{ payload: '', retain: false }]);
    const none = await later('n');
    await say('end', false);
    expect(payloads(await none.messages(1))).toEqual(['end']);
  });

  test('[MQTT3-3.1.2-7] stay when the session that published them ends', async () => {
    const pub = await peerOf(here, { level, clientId });
    pub.publish({ topic: `${topic}/a`, qos: 1, packetId: 1, payload: 'kept', retain: true });
    await pub.take('puback');
    await pub.end(disconnect());
    expect(await (await later('l')).messages(1)).toMatchObject([{ payload: 'kept', retain: true }]);
  });
});

describe.each([4, 5] as const)('PUBLISH to a client, level %i', (level) => {
  const properties = level === 5 ? { sessionExpirySeconds: 600 } : undefined;
  const session = (door: RealDoor) => peerOf(door, { level, clientId, clean: false, properties });
  let pub: Peer;
  let sub: Peer;
  beforeEach(async () => {
    pub = await peerOf(here, { level, clientId: `${clientId}-p` });
    sub = await session(here);
    await sub.subscribe(topic);
  });
  const say = async (qos: 1 | 2, ...texts: string[]): Promise<void> => {
    for (const [i, payload] of texts.entries()) {
      pub.publish({ topic, qos, packetId: i + 1, payload });
      await pub.take(qos === 1 ? 'puback' : 'pubrec');
      if (qos === 1) continue;
      pub.send(acknowledge('pubrel', i + 1));
      await pub.take('pubcomp');
    }
  };

  test('[MQTT3-4.3.2-1] [MQTT3-2.3.1-4] [MQTT-4.3.2-1] [MQTT-4.3.2-3] [MQTT-4.3.3-1] [MQTT-2.2.1-4] each has an id that is not in use', async () => {
    await say(1, ...Array.from({ length: 20 }, (_, i) => `${i}`));
    await say(2, ...Array.from({ length: 20 }, (_, i) => `${i}`));
    const ids = (await sub.messages(40)).map(({ packetId }) => packetId!);
    expect(new Set(ids).size).toBe(40);
    expect(ids).not.toContain(0);
  });

  test('[MQTT3-4.4.0-1] [MQTT3-3.3.1-1] [MQTT3-4.6.0-1] [MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.3.2-3] [MQTT-4.3.3-3] what is not acknowledged comes again on the next connection with DUP, its id and in order, and before that not', async () => {
    await say(1, 'a', 'b', 'c');
    await say(2, 'd', 'e');
    const first = await sub.messages(5);
    sub.send(acknowledge('puback', first[1]!.packetId!));
    // Nothing is sent again on the same connection.
    expect(await sub.answers()).toEqual([]);
    sub.drop();
    const again = await (await session(there)).messages(4);
    const expected = [0, 2, 3, 4]
      .map((i) => first[i]!)
      .map(({ payload, qos, packetId }) => ({ payload, qos, packetId, dup: true }));
    expect(again).toMatchObject(expected);
  });

  test('[MQTT3-4.3.3-1] [MQTT-4.3.3-4] [MQTT-4.3.3-5] [MQTT-4.3.3-6] [MQTT-3.6.2-1] PUBREC is answered with PUBREL, which comes again until PUBCOMP, and PUBLISH does not', async () => {
    await say(2, 'a');
    const [{ packetId = 0 } = {}] = await sub.messages(1);
    sub.send(acknowledge('pubrec', packetId));
    expect(await sub.take('pubrel')).toMatchObject({ packetId, flags: 2, reason: 0 });
    sub.drop();
    const again = await session(there);
    expect(await again.take('pubrel')).toMatchObject({ packetId, reason: 0 });
    expect(await again.answers()).toEqual([]);
    await again.end(acknowledge('pubcomp', packetId), disconnect());
    expect(await (await session(here)).answers()).toEqual([]);
  });

  test.each([
    ['PUBREC for QoS 1', 1, ['pubrec']],
    ['PUBCOMP for QoS 1', 1, ['pubcomp']],
    ['PUBACK for QoS 2', 2, ['puback']],
    ['PUBCOMP before PUBREC', 2, ['pubcomp']],
    ['PUBACK after PUBREL', 2, ['pubrec', 'puback']],
  ] as const)('[MQTT3-4.8.0-1] [MQTT-4.13.1-1] %s closes the connection', async (_name, qos, answers) => {
    await say(qos, 'a');
    const [{ packetId = 0 } = {}] = await sub.messages(1);
    const last = acknowledge(answers.at(-1)!, packetId);
    if (answers.length > 1) {
      sub.send(acknowledge(answers[0], packetId));
      await sub.take('pubrel');
    }
    expect(await sub.end(last)).toMatchObject(level === 5 ? [{ name: 'disconnect', reason: 0x82 }] : []);
  });

  test('[MQTT3-4.6.0-4] [MQTT-4.6.0-4] PUBRELs go in the order of the PUBRECs', async () => {
    await say(2, 'a', 'b', 'c');
    const ids = (await sub.messages(3)).map(({ packetId }) => packetId!).reverse();
    sub.send(...ids.map((id) => acknowledge('pubrec', id)));
    const rels = [await sub.take('pubrel'), await sub.take('pubrel'), await sub.take('pubrel')];
    expect(rels.map(({ packetId }) => packetId)).toEqual(ids);
  });

  test('[MQTT3-3.10.4-3] [MQTT-3.10.4-3] an exchange goes on after UNSUBSCRIBE', async () => {
    await say(1, 'a');
    await say(2, 'b');
    const [one, two] = await sub.messages(2);
    sub.send(packet(0xa2, u16(9), level === 5 ? [0] : [], field(topic)));
    expect(await sub.take('unsuback')).toMatchObject({ packetId: 9 });
    sub.drop();
    const again = await session(there);
    expect(payloads(await again.messages(2)).sort()).toEqual(['a', 'b']);
    again.send(acknowledge('puback', one!.packetId!), acknowledge('pubrec', two!.packetId!));
    expect(await again.take('pubrel')).toMatchObject({ packetId: two!.packetId });
    again.send(acknowledge('pubcomp', two!.packetId!));
    expect(await again.answers()).toEqual([]);
  });
});
