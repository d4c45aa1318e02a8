import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acknowledge, connect, disconnect, packet, publish, subscribe } from './testing/client-packets.ts';
import { answers, arrivedPackets, ends, mqtt5Client, rawMqtt5 } from './testing/mqtt5-clients.ts';
import { realDoor, type RealDoor } from './testing/real-door.ts';

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
  id = `flow-${++run}`;
  topic = `f${run}`;
});

describe('flow', () => {
  test('[MQTT-3.3.4-9] Receive Maximum of the client: no more is open at once', async () => {
    const socket = await rawMqtt5(here, id, { receiveMaximum: 3 });
    await answers(socket, subscribe(1, [{ filter: topic, qos: 2 }], 5));
    const pub = await mqtt5Client(there);
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
    const socket = await rawMqtt5(here, id);
    const many = Array.from({ length: 11 }, (_, i) => publish({ level: 5, topic, qos: 2, packetId: i + 1 }));
    expect(await ends(socket, ...many)).toMatch(/e0..93/);
  });

  test('[MQTT-3.1.2-24] [MQTT-3.1.2-25] Maximum Packet Size of the client: what is larger is not sent, and counts as sent', async () => {
    const socket = await rawMqtt5(here, id, { maximumPacketBytes: 100, receiveMaximum: 1 });
    await answers(socket, subscribe(1, [{ filter: topic, qos: 1 }], 5));
    const pub = await mqtt5Client(there);
    for (let i = 0; i < 5; i++) await pub.mqtt.publishAsync(topic, 'x'.repeat(200), { qos: 1 });
    await pub.mqtt.publishAsync(topic, 'small', { qos: 1 });
    await waitFor(() => socket.rest().endsWith(Buffer.from('small').toString('hex')));
    expect(here.door.stats.tooLarge).toBeGreaterThanOrEqual(5);
  });

  test('Maximum Packet Size of the hub: more is DISCONNECT 0x95 [MQTT-3.2.2-15]', async () => {
    const socket = await rawMqtt5(here, id);
    expect(await ends(socket, publish({ level: 5, topic, payload: 'x'.repeat(60_001) }))).toMatch(/^e0..95/);
  });

  test('[MQTT-3.3.2-7] topic aliases from the client, and their faults', async () => {
    const sub = await mqtt5Client(there);
    await sub.mqtt.subscribeAsync(`${topic}/#`, { qos: 1 });
    const socket = await rawMqtt5(here, id);
    const say = (name: string, alias: number, payload: string) =>
      publish({ level: 5, topic: name, qos: 1, packetId: 1, payload, properties: { topicAlias: alias } });
    socket.send(say(`${topic}/a`, 1, '1'), say('', 1, '2'), say(`${topic}/b`, 1, '3'), say('', 1, '4'));
    await arrivedPackets(sub.packets, 4);
    expect(sub.seen).toEqual([`${topic}/a 1 q1`, `${topic}/a 2 q1`, `${topic}/b 3 q1`, `${topic}/b 4 q1`]);
    expect(await ends(socket, say('', 2, 'x'))).toMatch(/e0..82/);
    const other = await rawMqtt5(here, id);
    expect(await ends(other, say(topic, 6, 'x'))).toMatch(/e0..94/); // above the maximum
  });

  test('[MQTT-3.1.2-26] topic aliases to the client: the topic is sent once', async () => {
    const socket = await rawMqtt5(there, id, { topicAliasMaximum: 1 });
    await answers(socket, subscribe(1, [{ filter: `${topic}/#`, qos: 1 }], 5));
    const before = socket.rest().length;
    const pub = await mqtt5Client(here);
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

  test('a topic alias that would have been told by a packet too large for the client is told by the next one', async () => {
    const socket = await rawMqtt5(there, id, { topicAliasMaximum: 1, maximumPacketBytes: 100 });
    await answers(socket, subscribe(1, [{ filter: topic, qos: 1 }], 5));
    const before = socket.rest().length;
    const pub = await mqtt5Client(here);
    for (const payload of ['x'.repeat(200), 'a', 'b'])
      await pub.mqtt.publishAsync(topic, payload, { qos: 1 });
    const told = { level: 5 as const, qos: 1 as const, properties: { topicAlias: 1 } };
    const expected = [
      publish({ ...told, topic, packetId: 2, payload: 'a' }),
      publish({ ...told, topic: '', packetId: 3, payload: 'b' }),
    ];
    const hex = Buffer.concat(expected).toString('hex');
    await waitFor(() => socket.rest().length >= before + hex.length);
    expect(socket.rest().slice(before)).toBe(hex);
  });
});

describe('DISCONNECT', () => {
  test('of the hub says why: protocol error, taken over [MQTT-3.1.4-3], keep alive [MQTT-3.1.2-22]', async () => {
    const first = await rawMqtt5(here, id);
    const taken = first.closed.then(() => first.rest());
    const second = await rawMqtt5(there, id);
    expect(await taken).toMatch(/^e0..8e/);
    expect(await ends(second, connect({ level: 5, clientId: id }))).toMatch(/^e0..82/);
    const silent = await here.socket();
    silent.send(connect({ level: 5, clientId: `${id}-silent`, keepAliveSeconds: 1 }));
    await silent.closed;
    expect(silent.received()).toMatch(/e0..8d/);
  });

  test('of the client with 0x04 asks for its will; with 0 drops it', async () => {
    const watcher = await mqtt5Client(there);
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
    await arrivedPackets(watcher.packets, 1);
    expect(watcher.seen).toEqual([`${topic} reason 4 q1`]);
    expect(watcher.packets[0]!.properties).toMatchObject({ contentType: 'w/x', userProperties: { a: 'b' } });
  });
});

test('acknowledgements of what is unknown carry 0x92', async () => {
  const socket = await rawMqtt5(here, id);
  expect(await answers(socket, acknowledge('pubrel', 9), acknowledge('pubrec', 8))).toBe(
    '7003000992' + '6203000892',
  );
});

test('a PUBREC that refuses ends the exchange [MQTT-4.3.3-4]', async () => {
  const socket = await rawMqtt5(here, id, { receiveMaximum: 1 });
  await answers(socket, subscribe(1, [{ filter: topic, qos: 2 }], 5));
  const pub = await mqtt5Client(there);
  await pub.mqtt.publishAsync(topic, 'a', { qos: 2 });
  await pub.mqtt.publishAsync(topic, 'b', { qos: 2 });
  const sent = (packetId: number, payload: string) =>
    publish({ level: 5, topic, qos: 2, packetId, payload }).toString('hex');
  await waitFor(() => socket.rest().endsWith(sent(1, 'a')));
  socket.send(packet(0x50, [0, 1, 0x83]));
  await waitFor(() => socket.rest().endsWith(sent(2, 'b')));
});
