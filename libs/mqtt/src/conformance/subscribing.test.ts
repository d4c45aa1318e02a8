import { startNats, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { publish, subscribe, unsubscribe } from '../testing/client-packets.ts';
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
let topic = '';
beforeEach(() => void (topic = `s${++run}`));

const deep = 'x/'.repeat(200);
const payloads = (packets: readonly { payload?: string }[]) => packets.map(({ payload }) => payload);

describe.each([4, 5] as const)('level %i', (level) => {
  let peer: Peer;
  let pub: Peer;
  beforeEach(async () => {
    peer = await peerOf(here, { level, clientId: `${topic}-s` });
    pub = await peerOf(there, { level, clientId: `${topic}-p` });
  });
  const say = async (
    name: string,
    payload: string,
    more: { qos?: 1; retain?: boolean } = {},
  ): Promise<void> => {
    pub.publish({ topic: name, payload, qos: 1, packetId: 1, ...more });
    await pub.take('puback');
  };

  test('[MQTT3-3.8.4-1] [MQTT3-3.8.4-2] [MQTT3-3.8.4-4] [MQTT3-3.8.4-5] [MQTT3-3.9.3-1] [MQTT3-3.9.3-2] [MQTT3-2.3.1-7] [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2] [MQTT-2.2.1-6] SUBACK has the packet id, and a code for each filter in its order', async () => {
    const requests = [
      { filter: `${topic}/2`, qos: 2 as const },
      { filter: deep, qos: 1 as const },
      { filter: `${topic}/0`, qos: 0 as const },
      { filter: `${topic}/1`, qos: 1 as const },
    ];
    const [suback, ...more] = await peer.answers(subscribe(0xabcd, requests, level));
    expect(suback).toMatchObject({
      name: 'suback',
      packetId: 0xabcd,
      codes: [2, level === 5 ? 0x8f : 0x80, 0, 1],
    });
    expect(more).toEqual([]);
    for (const name of ['0', '1', '2']) await say(`${topic}/${name}`, name);
    const came = await peer.messages(3);
    expect(came.map(({ payload, qos }) => `${payload} ${qos}`).sort()).toEqual(['0 0', '1 1', '2 1']);
  });

  test('[MQTT3-3.8.4-6] [MQTT-3.8.4-8] messages come at the lower of both QoS', async () => {
    for (const granted of [0, 1, 2] as const) await peer.subscribe(`${topic}/${granted}`, granted);
    const sent: string[] = [];
    for (const granted of [0, 1, 2])
      for (const qos of [0, 1, 2] as const) {
        pub.publish({
          topic: `${topic}/${granted}`,
          qos,
          packetId: 3 * granted + qos + 1,
          payload: `${granted} ${qos}`,
        });
        sent.push(`${granted} ${qos} ${Math.min(granted, qos)}`);
      }
    const came = await peer.messages(9);
    expect(came.map(({ payload, qos }) => `${payload} ${qos}`).sort()).toEqual(sent);
  });

  test('[MQTT3-3.3.5-1] [MQTT3-3.3.2-3] [MQTT-3.3.4-2] [MQTT-3.3.2-3] filters that overlap bring one copy, at the highest QoS of those that match', async () => {
    await peer.subscribe([
      { filter: `${topic}/#`, qos: 0 },
      { filter: `${topic}/+`, qos: 2 },
      { filter: `${topic}/a`, qos: 1 },
      { filter: `${topic}/b`, qos: 1 },
    ]);
    for (const name of ['a', 'b', 'c/d']) await say(`${topic}/${name}`, name);
    await say(`${topic}/end`, 'end');
    const came = await peer.messages(4);
    expect(came.map(({ payload, qos }) => `${payload} ${qos}`).sort()).toEqual([
      'a 1',
      'b 1',
      'c/d 0',
      'end 1',
    ]);
    expect(await peer.answers()).toEqual([]);
  });

  test('[MQTT3-3.8.4-3] [MQTT-3.8.4-3] [MQTT-3.8.4-4] the same filter again takes the place of what was there, and brings what is retained again', async () => {
    await say(topic, 'kept', { retain: true });
    await peer.subscribe(topic, 2);
    expect(await peer.messages(1)).toMatchObject([{ payload: 'kept', retain: true, qos: 1 }]);
    expect((await peer.subscribe(topic, 0)).codes).toEqual([0]);
    expect(await peer.messages(1)).toMatchObject([{ payload: 'kept', retain: true, qos: 0 }]);
    await say(topic, 'new');
    expect(await peer.messages(1)).toMatchObject([{ payload: 'new', retain: false, qos: 0 }]);
    peer.send(unsubscribe(9, [topic], level));
    await peer.take('unsuback');
    await say(topic, 'not subscribed');
    await peer.subscribe(`${topic}/end`);
    await say(`${topic}/end`, 'end');
    expect(payloads(await peer.messages(1))).toEqual(['end']);
  });

  test('[MQTT3-3.10.4-1] [MQTT3-3.10.4-2] [MQTT3-3.10.4-4] [MQTT3-3.10.4-5] [MQTT3-3.10.4-6] [MQTT-3.10.4-1] [MQTT-3.10.4-2] [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6] UNSUBSCRIBE takes away the filters that are written so, all in one packet, and is answered whatever was there', async () => {
    await peer.subscribe(
      [`${topic}/+`, `${topic}/a`, `${topic}/A`].map((filter) => ({ filter, qos: 1 as const })),
    );
    const filters = [`${topic}/#`, `${topic}/+`, `${topic}/a`];
    expect(await peer.answers(unsubscribe(0x1234, filters, level))).toMatchObject([
      { name: 'unsuback', packetId: 0x1234, codes: level === 5 ? [0x11, 0, 0] : [] },
    ]);
    for (const name of ['a', 'b', 'A']) await say(`${topic}/${name}`, name);
    expect(payloads(await peer.messages(1))).toEqual(['A']);
    expect(await peer.answers(unsubscribe(2, ['nothing'], level))).toMatchObject([
      { name: 'unsuback', packetId: 2, codes: level === 5 ? [0x11] : [] },
    ]);
  });

  test('[MQTT3-4.7.1-2] [MQTT3-4.7.1-3] [MQTT3-4.7.2-1] [MQTT3-4.7.3-4] [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.2-1] [MQTT-4.7.3-4] wildcards match levels as they are written, and no $ topic from the first one', async () => {
    const all = ['', '/a', '/a/b', '/', '//b', '/A'];
    const cases: [filter: string, matching: string[]][] = [
      [`${topic}/#`, all],
      [`${topic}/+`, ['/a', '/', '/A']],
      [`${topic}/+/b`, ['/a/b', '//b']],
      [`+/${topic}`, []],
      ['#', all],
    ];
    for (const [filter, matching] of cases) {
      const one = await peerOf(here, { level, clientId: `${topic}-one` });
      await one.subscribe([filter, '$end'].map((name) => ({ filter: name, qos: 1 as const })));
      for (const rest of all) await say(topic + rest, rest);
      await say(`$hidden/${topic}`, '$');
      await say('$end', 'end');
      const came: (string | undefined)[] = [];
      while (came.at(-1) !== 'end')
        came.push(...payloads((await one.messages(1)).filter(({ retain }) => retain === false)));
      expect([filter, came.sort()]).toEqual([filter, [...matching, 'end'].sort()]);
      one.drop();
    }
  });

  test('[MQTT3-3.12.4-1] [MQTT-3.12.4-1] PINGREQ is answered with PINGRESP, behind what was asked before it', async () => {
    const [suback] = await peer.answers(subscribe(1, [{ filter: topic, qos: 0 }], level));
    expect(suback).toMatchObject({ name: 'suback' });
  });

  test('[MQTT3-7.1.1-1] [MQTT3-7.0.0-2] [MQTT-4.2.0-1] any cut of the stream of bytes will do', async () => {
    const bytes = Buffer.concat([
      subscribe(1, [{ filter: topic, qos: 1 }], level),
      publish({ level, topic, qos: 1, packetId: 2, payload: 'cut' }),
    ]);
    for (const byte of bytes) {
      peer.send(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(payloads(await peer.messages(1))).toEqual(['cut']);
    expect((await peer.take('puback')).packetId).toBe(2);
  });
});
