import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import type { IClientOptions, IPublishPacket } from 'mqtt';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PacketProperties } from './codec/properties.ts';
import {
  acknowledge,
  connect,
  disconnect,
  packet,
  PINGREQ,
  publish,
  subscribe,
  unsubscribe,
} from './testing/client-packets.ts';
import { realDoor, type RawClient, type RealDoor, type TestClient } from './testing/real-door.ts';

let nats: NatsServer;
let here: RealDoor;
let there: RealDoor;
beforeAll(async () => {
  nats = await startNats();
  here = await realDoor(nats.url, { receiveMaximum: 10, topicAliasMaximum: 5, maxPacketBytes: 60_000 });
  there = await realDoor(nats.url);
});
afterAll(async () => {
  await Promise.all([here[Symbol.asyncDispose](), there[Symbol.asyncDispose]()]);
  await nats.stop();
});

let run = 0;
let id = '';
let topic = '';
beforeEach(() => {
  id = `five-${++run}`;
  topic = `v${run}`;
});

interface Client extends TestClient {
  readonly packets: IPublishPacket[];
}

async function client(door: RealDoor, options: IClientOptions = {}): Promise<Client> {
  const made = await door.client({ protocolVersion: 5, ...options });
  const packets: IPublishPacket[] = [];
  made.mqtt.on('message', (_topic, _payload, one) => packets.push(one));
  return { ...made, packets };
}

/** A raw MQTT 5 client with its CONNACK. */
async function raw(
  door: RealDoor,
  properties?: PacketProperties,
  clean = true,
): Promise<RawClient & { rest(): string }> {
  const socket = await door.socket();
  socket.send(connect({ level: 5, clientId: id, clean, properties }));
  await waitFor(() => socket.received().length > 4);
  const connack = socket.received().length;
  return Object.assign(socket, { rest: () => socket.received().slice(connack) });
}

const arrived = (packets: unknown[], count: number) =>
  waitFor(() => packets.length >= count, { message: () => `${count} packets, there are ${packets.length}` });

/** Everything that a client gets until its PINGREQ is answered. */
async function answers(socket: RawClient & { rest(): string }, ...sent: Buffer[]): Promise<string> {
  const before = socket.rest().length;
  socket.send(...sent, PINGREQ);
  await waitFor(() => socket.rest().slice(before).endsWith('d000'), { message: () => socket.rest() });
  return socket.rest().slice(before, -4);
}

async function ends(socket: RawClient & { rest(): string }, ...sent: Buffer[]): Promise<string> {
  socket.send(...sent);
  await socket.closed;
  return socket.rest();
}

describe('CONNACK', () => {
  test('[MQTT-3.2.2-16] tells the limits, an assigned id, what was granted instead of what was asked', async () => {
    const socket = await here.socket();
    socket.send(connect({ level: 5, clientId: '', properties: { requestResponseInformation: true } }));
    await waitFor(() => socket.received().length > 100);
    const text = Buffer.from(socket.received(), 'hex').toString('latin1');
    expect(text).toMatch(/auto-/);
    expect(text).toContain('replies/auto-');
    expect(socket.received()).toContain('21000a'); // Receive Maximum 10
    expect(socket.received()).toContain('270000ea60'); // Maximum Packet Size 60,000
    expect(socket.received()).toContain('220005'); // Topic Alias Maximum 5
  });

  test('a method of enhanced authentication that is not offered is refused with 0x8C', async () => {
    const socket = await here.socket();
    socket.send(connect({ level: 5, clientId: id, properties: { authMethod: 'magic' } }));
    await socket.closed;
    expect(socket.received().slice(0, 8)).toMatch(/^20..008c$/);
  });
});

describe('a session', () => {
  test('[MQTT-3.1.2-23] stays for its expiry, at any door, and clean start discards it', async () => {
    const options = { clientId: id, clean: false, properties: { sessionExpiryInterval: 100 } };
    const first = await client(here, options);
    await first.mqtt.subscribeAsync(topic, { qos: 1 });
    await first.mqtt.endAsync();
    const pub = await client(there);
    await pub.mqtt.publishAsync(topic, 'missed', { qos: 1 });
    const second = await client(there, options);
    await arrived(second.packets, 1);
    expect(second.seen).toEqual([`${topic} missed q1`]);
    const third = await client(here, { ...options, clean: true });
    await pub.mqtt.publishAsync(topic, 'unheard', { qos: 1 });
    await third.mqtt.subscribeAsync(`${topic}/x`, { qos: 1 });
    await pub.mqtt.publishAsync(`${topic}/x`, 'heard', { qos: 1 });
    await arrived(third.packets, 1);
    expect(third.seen).toEqual([`${topic}/x heard q1`]);
  });

  test('without an expiry ends with its connection; the expiry can be changed at DISCONNECT', async () => {
    const none = await raw(here, undefined, false);
    none.send(disconnect());
    await none.closed;
    await waitFor(async () => (await here.bus.bucket('sessions').get(id)) === undefined);
    const some = await raw(here, { sessionExpirySeconds: 500 }, false);
    expect(some.received()).toMatch(/^20..0000/); // no session present
    some.send(packet(0xe0, [0, 5, 0x11, 0, 0, 0, 0]));
    await some.closed;
    await waitFor(async () => (await here.bus.bucket('sessions').get(id)) === undefined);
    const zero = await raw(here);
    expect((await ends(zero, packet(0xe0, [0, 5, 0x11, 0, 0, 0, 9]))).slice(0, 6)).toMatch(/^e0..82$/); // [MQTT-3.14.2-2]
  });
});

describe('properties', () => {
  test('[MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20] of a message arrive as they were sent, also through the log and retained', async () => {
    const sent = {
      ...{ payloadFormatIndicator: true, contentType: 'text/ü', responseTopic: 'answer/here' },
      correlationData: Buffer.from([0, 255, 10]),
      userProperties: { a: ['1', '3'], b: '2' },
    };
    const early = await client(there);
    await early.mqtt.subscribeAsync(`${topic}/#`, { qos: 2 });
    const pub = await client(here);
    for (const qos of [0, 1, 2] as const)
      await pub.mqtt.publishAsync(`${topic}/${qos}`, 'x', { qos, retain: true, properties: sent });
    await arrived(early.packets, 3);
    await waitFor(async () => {
      const late = await client(there);
      await late.mqtt.subscribeAsync(`${topic}/#`, { qos: 2 });
      await waitFor(() => late.packets.length === 3, { timeoutMs: 2_000 });
      early.packets.push(...late.packets);
      return true;
    });
    for (const { properties } of early.packets) expect(properties).toMatchObject(sent);
  });

  test('a 3.1.1 client on the same topics gets the message without them, and the other way round', async () => {
    const [old, five] = [await here.client(), await client(here)];
    await Promise.all([
      old.mqtt.subscribeAsync(topic, { qos: 1 }),
      five.mqtt.subscribeAsync(topic, { qos: 1 }),
    ]);
    await five.mqtt.publishAsync(topic, 'from 5', { qos: 1, properties: { contentType: 'a/b' } });
    await old.mqtt.publishAsync(topic, 'from 4', { qos: 1 });
    await arrived(five.packets, 2);
    await waitFor(() => old.seen.length === 2);
    expect([old.seen, five.seen]).toEqual([
      [`${topic} from 5 q1`, `${topic} from 4 q1`],
      [`${topic} from 5 q1`, `${topic} from 4 q1`],
    ]);
  });

  test('[MQTT-3.3.2-5] [MQTT-3.3.2-6] an expired message is not delivered, online, queued or retained; what is left of the time is told', async () => {
    const options = { clientId: id, clean: false, properties: { sessionExpiryInterval: 100 } };
    const sleeper = await client(here, options);
    await sleeper.mqtt.subscribeAsync(`${topic}/#`, { qos: 1 });
    await sleeper.mqtt.endAsync();
    const pub = await client(here);
    await pub.mqtt.publishAsync(`${topic}/short`, 'x', {
      qos: 1,
      retain: true,
      properties: { messageExpiryInterval: 1 },
    });
    await pub.mqtt.publishAsync(`${topic}/long`, 'x', {
      qos: 1,
      retain: true,
      properties: { messageExpiryInterval: 60 },
    });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const back = await client(there, options);
    await arrived(back.packets, 1);
    const late = await client(there);
    await late.mqtt.subscribeAsync(`${topic}/#`, { qos: 1 });
    await arrived(late.packets, 1);
    await pub.mqtt.publishAsync(`${topic}/end`, '', { qos: 1 });
    await Promise.all([arrived(back.packets, 2), arrived(late.packets, 2)]);
    for (const { seen, packets } of [back, late]) {
      expect(seen).toEqual([`${topic}/long x q1`, `${topic}/end  q1`]);
      const left = packets[0]!.properties!.messageExpiryInterval!;
      expect(left).toBeLessThan(60);
      expect(left).toBeGreaterThan(40);
    }
  });

  test('a payload that is not the UTF-8 it claims to be is refused with 0x99, and the connection goes on', async () => {
    const socket = await raw(here);
    const bad = (qos: 1 | 2, packetId: number) =>
      publish({
        level: 5,
        topic,
        qos,
        packetId,
        payload: Buffer.from([0xff]),
        properties: { payloadFormat: 1 },
      });
    expect(await answers(socket, bad(1, 7), bad(2, 8))).toBe('400300079950030008' + '99');
  });
});

describe('subscription options', () => {
  test('[MQTT-3.8.3-3] no local: one does not hear oneself, by whatever filter', async () => {
    const five = await client(here, { clientId: id });
    await five.mqtt.subscribeAsync({ [`${topic}/#`]: { qos: 1, nl: true } });
    const other = await client(there);
    await five.mqtt.publishAsync(`${topic}/a`, 'own', { qos: 1 });
    await five.mqtt.publishAsync(`${topic}/a`, 'own', { qos: 0 });
    await other.mqtt.publishAsync(`${topic}/a`, 'foreign', { qos: 1 });
    await arrived(five.packets, 1);
    expect(five.seen).toEqual([`${topic}/a foreign q1`]);
    await five.mqtt.subscribeAsync(`${topic}/b`, { qos: 1 });
    await five.mqtt.publishAsync(`${topic}/b`, 'own', { qos: 1 });
    await arrived(five.packets, 2);
    expect(five.seen[1]).toBe(`${topic}/b own q1`);
  });

  test('[MQTT-3.3.1-12] [MQTT-3.3.1-13] retain as published', async () => {
    const five = await client(here);
    await five.mqtt.subscribeAsync({
      [`${topic}/a`]: { qos: 1, rap: true },
      [`${topic}/b`]: { qos: 1, rap: false },
    });
    for (const name of ['a', 'b'])
      await five.mqtt.publishAsync(`${topic}/${name}`, 'x', { qos: 1, retain: true });
    await arrived(five.packets, 2);
    expect(five.packets.map(({ retain }) => retain)).toEqual([true, false]);
  });

  test('[MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] retain handling: always, only when new, never', async () => {
    const pub = await client(here);
    await pub.mqtt.publishAsync(topic, 'kept', { qos: 1, retain: true });
    for (const [rh, expected] of [
      [0, 2],
      [1, 1],
      [2, 0],
    ] as const) {
      const five = await client(there);
      for (let i = 0; i < 2; i++) await five.mqtt.subscribeAsync({ [topic]: { qos: 1, rh } });
      await five.mqtt.subscribeAsync(`${topic}/end`, { qos: 1 });
      await waitFor(() => five.packets.length >= expected);
      await pub.mqtt.publishAsync(`${topic}/end`, '', { qos: 1 });
      await waitFor(() => five.seen.at(-1) === `${topic}/end  q1`);
      expect(five.packets.length - 1).toBe(expected);
    }
  });

  test('[MQTT-3.3.4-3] [MQTT-3.3.4-4] identifiers of all filters that match, once, also after a restart of the session', async () => {
    const options = { clientId: id, clean: false, properties: { sessionExpiryInterval: 100 } };
    const five = await client(here, options);
    const sub = (filter: string, subscriptionIdentifier: number) =>
      five.mqtt.subscribeAsync(filter, { qos: 1, properties: { subscriptionIdentifier } });
    await sub(`${topic}/#`, 7);
    await sub(`${topic}/+`, 268_435_455);
    await sub(`${topic}/other`, 9);
    const pub = await client(there);
    await pub.mqtt.publishAsync(`${topic}/a`, 'live', { qos: 1 });
    await arrived(five.packets, 1);
    await five.mqtt.endAsync();
    await pub.mqtt.publishAsync(`${topic}/a`, 'queued', { qos: 1 });
    const again = await client(there, options);
    await arrived(again.packets, 1);
    for (const { properties } of [five.packets[0]!, again.packets[0]!])
      expect([properties!.subscriptionIdentifier].flat().sort()).toEqual([268_435_455, 7]);
  });

  test('UNSUBACK says what was there [MQTT-3.11.3-1]; SUBACK what is refused', async () => {
    const socket = await raw(here);
    await answers(socket, subscribe(1, [{ filter: topic, qos: 1 }], 5));
    expect(await answers(socket, unsubscribe(2, [topic, topic, 'nothing'], 5))).toBe('b006000200001111');
    expect(await answers(socket, subscribe(3, [{ filter: '$share/g/x', qos: 1 }], 5))).toBe('90040003009e');
  });
});

describe('flow', () => {
  test('[MQTT-3.3.4-9] Receive Maximum of the client: no more is open at once', async () => {
    const socket = await raw(here, { receiveMaximum: 3 });
    await answers(socket, subscribe(1, [{ filter: topic, qos: 2 }], 5));
    const pub = await client(there);
    for (let i = 0; i < 8; i++) await pub.mqtt.publishAsync(topic, `${i}`, { qos: i % 2 === 0 ? 1 : 2 });
    const frame = (i: number) =>
      publish({ level: 5, topic, qos: i % 2 === 0 ? 1 : 2, packetId: i + 1, payload: `${i}` }).toString(
        'hex',
      );
    await waitFor(() => socket.rest().includes(frame(2)), {
      message: () => socket.rest() + ' ' + frame(0) + ' ' + frame(1) + ' ' + frame(2),
    });
    expect(await answers(socket)).not.toContain(frame(3));
    socket.send(acknowledge('puback', 1));
    await waitFor(() => socket.rest().includes(frame(3)));
    expect(await answers(socket)).not.toContain(frame(4));
  });

  test('[MQTT-3.3.4-7] Receive Maximum of the hub: more is DISCONNECT 0x93', async () => {
    const socket = await raw(here);
    const many = Array.from({ length: 11 }, (_, i) => publish({ level: 5, topic, qos: 2, packetId: i + 1 }));
    expect(await ends(socket, ...many)).toMatch(/e0..93/);
  });

  test('[MQTT-3.1.2-24] Maximum Packet Size of the client: what is larger is not sent, and counts as sent', async () => {
    const socket = await raw(here, { maximumPacketBytes: 100, receiveMaximum: 1 });
    await answers(socket, subscribe(1, [{ filter: topic, qos: 1 }], 5));
    const pub = await client(there);
    for (let i = 0; i < 5; i++) await pub.mqtt.publishAsync(topic, 'x'.repeat(200), { qos: 1 });
    await pub.mqtt.publishAsync(topic, 'small', { qos: 1 });
    await waitFor(() => socket.rest().endsWith(Buffer.from('small').toString('hex')));
    expect(here.door.stats.tooLarge).toBeGreaterThanOrEqual(5);
  });

  test('Maximum Packet Size of the hub: more is DISCONNECT 0x95 [MQTT-3.1.2-24]', async () => {
    const socket = await raw(here);
    expect(await ends(socket, publish({ level: 5, topic, payload: 'x'.repeat(60_001) }))).toMatch(/^e0..95/);
  });

  test('[MQTT-3.3.2-7] topic aliases from the client, and their faults', async () => {
    const sub = await client(there);
    await sub.mqtt.subscribeAsync(`${topic}/#`, { qos: 1 });
    const socket = await raw(here);
    const say = (name: string, alias: number, payload: string) =>
      publish({ level: 5, topic: name, qos: 1, packetId: 1, payload, properties: { topicAlias: alias } });
    socket.send(say(`${topic}/a`, 1, '1'), say('', 1, '2'), say(`${topic}/b`, 1, '3'), say('', 1, '4'));
    await arrived(sub.packets, 4);
    expect(sub.seen).toEqual([`${topic}/a 1 q1`, `${topic}/a 2 q1`, `${topic}/b 3 q1`, `${topic}/b 4 q1`]);
    expect(await ends(socket, say('', 2, 'x'))).toMatch(/e0..82/);
    const other = await raw(here);
    expect(await ends(other, say(topic, 6, 'x'))).toMatch(/e0..94/); // above the maximum
  });

  test('topic aliases to the client: the topic is sent once', async () => {
    const socket = await raw(there, { topicAliasMaximum: 1 });
    await answers(socket, subscribe(1, [{ filter: `${topic}/#`, qos: 1 }], 5));
    const before = socket.rest().length;
    const pub = await client(here);
    for (const name of ['a', 'a', 'b', 'a'])
      await pub.mqtt.publishAsync(`${topic}/${name}`, name, { qos: 1 });
    const expected = [
      publish({
        level: 5,
        topic: `${topic}/a`,
        qos: 1,
        packetId: 1,
        payload: 'a',
        properties: { topicAlias: 1 },
      }),
      publish({ level: 5, topic: '', qos: 1, packetId: 2, payload: 'a', properties: { topicAlias: 1 } }),
      publish({ level: 5, topic: `${topic}/b`, qos: 1, packetId: 3, payload: 'b' }),
      publish({ level: 5, topic: '', qos: 1, packetId: 4, payload: 'a', properties: { topicAlias: 1 } }),
    ];
    const hex = Buffer.concat(expected).toString('hex');
    await waitFor(() => socket.rest().length >= before + hex.length);
    expect(socket.rest().slice(before)).toBe(hex);
  });
});

describe('DISCONNECT', () => {
  test('of the hub says why: protocol error, taken over [MQTT-3.1.4-3], keep alive [MQTT-3.1.2-22]', async () => {
    const first = await raw(here);
    const taken = first.closed.then(() => first.rest());
    const second = await raw(there);
    expect(await taken).toMatch(/^e0..8e/);
    expect(await ends(second, connect({ level: 5, clientId: id }))).toMatch(/^e0..82/);
    const silent = await here.socket();
    silent.send(connect({ level: 5, clientId: `${id}-silent`, keepAliveSeconds: 1 }));
    await silent.closed;
    expect(silent.received()).toMatch(/e0..8d/);
  });

  test('of the client with 0x04 asks for its will; with 0 drops it', async () => {
    const watcher = await client(there);
    await watcher.mqtt.subscribeAsync(topic, { qos: 1 });
    for (const reason of [0, 4]) {
      const socket = await here.socket();
      const will = { topic, payload: Buffer.from(`reason ${reason}`), qos: 1 as const, retain: false };
      const properties = { contentType: 'w/x', userProperties: [['a', 'b']] as [string, string][] };
      socket.send(connect({ level: 5, clientId: id, will: { ...will, properties } }));
      await waitFor(() => socket.received().length > 4);
      socket.send(disconnect(reason));
      await socket.closed;
    }
    await arrived(watcher.packets, 1);
    expect(watcher.seen).toEqual([`${topic} reason 4 q1`]);
    expect(watcher.packets[0]!.properties).toMatchObject({ contentType: 'w/x', userProperties: { a: 'b' } });
  });
});

test('acknowledgements of what is unknown carry 0x92', async () => {
  const socket = await raw(here);
  expect(await answers(socket, acknowledge('pubrel', 9), acknowledge('pubrec', 8))).toBe(
    '7003000992' + '6203000892',
  );
});

test('a PUBREC that refuses ends the exchange [MQTT-4.3.3-4]', async () => {
  const socket = await raw(here, { receiveMaximum: 1 });
  await answers(socket, subscribe(1, [{ filter: topic, qos: 2 }], 5));
  const pub = await client(there);
  await pub.mqtt.publishAsync(topic, 'a', { qos: 2 });
  await pub.mqtt.publishAsync(topic, 'b', { qos: 2 });
  const sent = (packetId: number, payload: string) =>
    publish({ level: 5, topic, qos: 2, packetId, payload }).toString('hex');
  await waitFor(() => socket.rest().endsWith(sent(1, 'a')));
  socket.send(packet(0x50, [0, 1, 0x83]));
  await waitFor(() => socket.rest().endsWith(sent(2, 'b')));
});
