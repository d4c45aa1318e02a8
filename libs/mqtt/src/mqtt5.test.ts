import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect, disconnect, packet, publish, subscribe, unsubscribe } from './testing/client-packets.ts';
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
  id = `five-${++run}`;
  topic = `v${run}`;
});

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
    const first = await mqtt5Client(here, options);
    await first.mqtt.subscribeAsync(topic, { qos: 1 });
    await first.mqtt.endAsync();
    const pub = await mqtt5Client(there);
    await pub.mqtt.publishAsync(topic, 'missed', { qos: 1 });
    const second = await mqtt5Client(there, options);
    await arrivedPackets(second.packets, 1);
    expect(second.seen).toEqual([`${topic} missed q1`]);
    const third = await mqtt5Client(here, { ...options, clean: true });
    await pub.mqtt.publishAsync(topic, 'unheard', { qos: 1 });
    await third.mqtt.subscribeAsync(`${topic}/x`, { qos: 1 });
    await pub.mqtt.publishAsync(`${topic}/x`, 'heard', { qos: 1 });
    await arrivedPackets(third.packets, 1);
    expect(third.seen).toEqual([`${topic}/x heard q1`]);
  });

  test('without an expiry ends with its connection; the expiry can be changed at DISCONNECT', async () => {
    const none = await rawMqtt5(here, id, undefined, false);
    none.send(disconnect());
    await none.closed;
    await waitFor(async () => (await here.bus.bucket('sessions').get(id)) === undefined);
    const some = await rawMqtt5(here, id, { sessionExpirySeconds: 500 }, false);
    expect(some.received()).toMatch(/^20..0000/); // no session present
    some.send(packet(0xe0, [0, 5, 0x11, 0, 0, 0, 0]));
    await some.closed;
    await waitFor(async () => (await here.bus.bucket('sessions').get(id)) === undefined);
    const zero = await rawMqtt5(here, id);
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
    const early = await mqtt5Client(there);
    await early.mqtt.subscribeAsync(`${topic}/#`, { qos: 2 });
    const pub = await mqtt5Client(here);
    for (const qos of [0, 1, 2] as const)
      await pub.mqtt.publishAsync(`${topic}/${qos}`, 'x', { qos, retain: true, properties: sent });
    await arrivedPackets(early.packets, 3);
    await waitFor(async () => {
      const late = await mqtt5Client(there);
      await late.mqtt.subscribeAsync(`${topic}/#`, { qos: 2 });
      await waitFor(() => late.packets.length === 3, { timeoutMs: 2_000 });
      early.packets.push(...late.packets);
      return true;
    });
    for (const { properties } of early.packets) expect(properties).toMatchObject(sent);
  });

  test('a 3.1.1 client on the same topics gets the message without them, and the other way round', async () => {
    const [old, five] = [await here.client(), await mqtt5Client(here)];
    await Promise.all([
      old.mqtt.subscribeAsync(topic, { qos: 1 }),
      five.mqtt.subscribeAsync(topic, { qos: 1 }),
    ]);
    await five.mqtt.publishAsync(topic, 'from 5', { qos: 1, properties: { contentType: 'a/b' } });
    await old.mqtt.publishAsync(topic, 'from 4', { qos: 1 });
    await arrivedPackets(five.packets, 2);
    await waitFor(() => old.seen.length === 2);
    expect([old.seen, five.seen]).toEqual([
      [`${topic} from 5 q1`, `${topic} from 4 q1`],
      [`${topic} from 5 q1`, `${topic} from 4 q1`],
    ]);
  });

  test('[MQTT-3.3.2-5] [MQTT-3.3.2-6] an expired message is not delivered, online, queued or retained; what is left of the time is told', async () => {
    const options = { clientId: id, clean: false, properties: { sessionExpiryInterval: 100 } };
    const sleeper = await mqtt5Client(here, options);
    await sleeper.mqtt.subscribeAsync(`${topic}/#`, { qos: 1 });
    await sleeper.mqtt.endAsync();
    const pub = await mqtt5Client(here);
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
    const back = await mqtt5Client(there, options);
    await arrivedPackets(back.packets, 1);
    const late = await mqtt5Client(there);
    await late.mqtt.subscribeAsync(`${topic}/#`, { qos: 1 });
    await arrivedPackets(late.packets, 1);
    await pub.mqtt.publishAsync(`${topic}/end`, '', { qos: 1 });
    await Promise.all([arrivedPackets(back.packets, 2), arrivedPackets(late.packets, 2)]);
    for (const { seen, packets } of [back, late]) {
      expect(seen).toEqual([`${topic}/long x q1`, `${topic}/end  q1`]);
      const left = packets[0]!.properties!.messageExpiryInterval!;
      expect(left).toBeLessThan(60);
      expect(left).toBeGreaterThan(40);
    }
  });

  test('a payload that is not the UTF-8 it claims to be is refused with 0x99, and the connection goes on', async () => {
    const socket = await rawMqtt5(here, id, { requestProblemInformation: false });
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
    const five = await mqtt5Client(here, { clientId: id });
    await five.mqtt.subscribeAsync({ [`${topic}/#`]: { qos: 1, nl: true } });
    const other = await mqtt5Client(there);
    await five.mqtt.publishAsync(`${topic}/a`, 'own', { qos: 1 });
    await five.mqtt.publishAsync(`${topic}/a`, 'own', { qos: 0 });
    await other.mqtt.publishAsync(`${topic}/a`, 'foreign', { qos: 1 });
    await arrivedPackets(five.packets, 1);
    expect(five.seen).toEqual([`${topic}/a foreign q1`]);
    await five.mqtt.subscribeAsync(`${topic}/b`, { qos: 1 });
    await five.mqtt.publishAsync(`${topic}/b`, 'own', { qos: 1 });
    await arrivedPackets(five.packets, 2);
    expect(five.seen[1]).toBe(`${topic}/b own q1`);
  });

  test('[MQTT-3.3.1-12] [MQTT-3.3.1-13] retain as published', async () => {
    const five = await mqtt5Client(here);
    await five.mqtt.subscribeAsync({
      [`${topic}/a`]: { qos: 1, rap: true },
      [`${topic}/b`]: { qos: 1, rap: false },
    });
    for (const name of ['a', 'b'])
      await five.mqtt.publishAsync(`${topic}/${name}`, 'x', { qos: 1, retain: true });
    await arrivedPackets(five.packets, 2);
    expect(five.packets.map(({ retain }) => retain)).toEqual([true, false]);
  });

  test('[MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] retain handling: always, only when new, never', async () => {
    const pub = await mqtt5Client(here);
    await pub.mqtt.publishAsync(topic, 'kept', { qos: 1, retain: true });
    for (const [rh, expected] of [
      [0, 2],
      [1, 1],
      [2, 0],
    ] as const) {
      const five = await mqtt5Client(there);
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
    const five = await mqtt5Client(here, options);
    const sub = (filter: string, subscriptionIdentifier: number) =>
      five.mqtt.subscribeAsync(filter, { qos: 1, properties: { subscriptionIdentifier } });
    await sub(`${topic}/#`, 7);
    await sub(`${topic}/+`, 268_435_455);
    await sub(`${topic}/other`, 9);
    const pub = await mqtt5Client(there);
    await pub.mqtt.publishAsync(`${topic}/a`, 'live', { qos: 1 });
    await arrivedPackets(five.packets, 1);
    await five.mqtt.endAsync();
    await pub.mqtt.publishAsync(`${topic}/a`, 'queued', { qos: 1 });
    const again = await mqtt5Client(there, options);
    await arrivedPackets(again.packets, 1);
    for (const { properties } of [five.packets[0]!, again.packets[0]!])
      expect([properties!.subscriptionIdentifier].flat().sort()).toEqual([268_435_455, 7]);
  });

  test('[MQTT-3.11.3-1] [MQTT-3.11.3-2] UNSUBACK says what was there; SUBACK what is refused', async () => {
    const socket = await rawMqtt5(here, id, { requestProblemInformation: false });
    await answers(socket, subscribe(1, [{ filter: topic, qos: 1 }], 5));
    expect(await answers(socket, unsubscribe(2, [topic, topic, 'nothing'], 5))).toBe('b006000200001111');
    expect(await answers(socket, subscribe(3, [{ filter: 'a/'.repeat(200), qos: 1 }], 5))).toBe(
      '90040003008f',
    );
  });
});
