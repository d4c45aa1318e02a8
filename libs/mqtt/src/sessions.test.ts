import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  acknowledge,
  connect,
  disconnect,
  PINGREQ,
  publish,
  subscribe,
  unsubscribe,
} from './testing/client-packets.ts';
import { peerOf } from './testing/peer.ts';
import { arrived, realDoor, type RawClient, type RealDoor } from './testing/real-door.ts';

let nats: NatsServer;
beforeAll(async () => void (nats = await startNats()));
afterAll(() => nats.stop());

let run = 0;
let id = '';
let topic = '';
beforeEach(() => {
  id = `client-${++run}`;
  topic = `t${run}`;
});

const CONNACK = '20020000';
const PRESENT = '20020100';
const hex = (...packets: Buffer[]): string => Buffer.concat(packets).toString('hex');

/** A raw client of a persistent session, with its CONNACK. */
async function persistent(door: RealDoor): Promise<RawClient> {
  const raw = await door.socket();
  raw.send(connect({ clientId: id, clean: false }));
  await waitFor(() => raw.received().length >= 8);
  return raw;
}

/** Waits until the client has received exactly these packets. */
async function receives(raw: RawClient, ...packets: string[]): Promise<void> {
  const expected = packets.join('');
  await waitFor(() => raw.received().length >= expected.length, { message: () => raw.received() });
  expect(raw.received()).toBe(expected);
}

/** Ends a connection as a network does, and waits until the door has noticed. */
async function cut(door: RealDoor, raw: RawClient): Promise<void> {
  const { sessions } = door.door.stats;
  raw.socket.destroy();
  await waitFor(() => door.door.stats.sessions < sessions);
}

describe('a persistent session', () => {
  test('[MQTT3-3.1.2-4] [MQTT3-3.1.2-5] goes on at another door with what was missed, in order and once', async () => {
    await using here = await realDoor(nats.url);
    await using there = await realDoor(nats.url);
    const first = await here.client({ clientId: id, clean: false });
    await first.mqtt.subscribeAsync(`${topic}/#`, { qos: 1 });
    await first.mqtt.publishAsync(`${topic}/a`, '0', { qos: 1 });
    await arrived(first.seen, 1);
    await first.mqtt.endAsync();
    const other = await there.client();
    for (let i = 1; i <= 300; i++) await other.mqtt.publishAsync(`${topic}/a`, String(i), { qos: 1 });
    const second = await there.client({ clientId: id, clean: false });
    await arrived(second.seen, 300);
    await other.mqtt.publishAsync(`${topic}/b`, 'live', { qos: 1 });
    await arrived(second.seen, 301);
    expect(second.seen).toEqual([
      ...Array.from({ length: 300 }, (_, i) => `${topic}/a ${i + 1} q1`),
      `${topic}/b live q1`,
    ]);
    expect([here.door.stats.resumed, there.door.stats.resumed]).toEqual([0, 1]);
  });

  test('of thousands of filters has as many as its record may hold, and goes on with all of these at another door', async () => {
    const settings = { maxSubscriptions: 20_000, maxSessionBytes: 200_000 };
    await using here = await realDoor(nats.url, settings);
    await using there = await realDoor(nats.url, settings);
    const filters = Array.from({ length: 5_000 }, (_, n) => ({ filter: `${topic}/${n}/+`, qos: 1 as const }));
    const first = await peerOf(here, {
      level: 5,
      clientId: id,
      clean: false,
      properties: { sessionExpirySeconds: 1_000 },
    });
    const { codes } = await first.subscribe(filters);
    const granted = codes!.filter((code) => code === 1).length;
    expect(granted).toBeGreaterThan(2_000);
    expect(codes!.slice(granted)).toEqual(Array.from({ length: 5_000 - granted }, () => 0x97));
    const record = (await here.bus.bucket('sessions').get(id))!.value;
    expect(record.length).toBeLessThan(201_000);
    first.drop();
    await waitFor(() => here.door.stats.sessions === 0);
    const other = await there.client();
    for (const n of [0, granted - 1, granted])
      await other.mqtt.publishAsync(`${topic}/${n}/x`, 'm', { qos: 1 });
    const second = await peerOf(there, {
      level: 5,
      clientId: id,
      clean: false,
      properties: { sessionExpirySeconds: 1_000 },
    });
    expect(second.connack).toMatchObject({ reason: 0, present: 1 });
    expect((await second.messages(2)).map((message) => message.topic)).toEqual([
      `${topic}/0/x`,
      `${topic}/${granted - 1}/x`,
    ]);
    expect(await second.answers()).toEqual([]);
  });

  test('[MQTT3-3.2.2-2] [MQTT3-3.2.2-3] session present, also without subscriptions; [MQTT3-3.1.2-6] a clean one discards it', async () => {
    await using door = await realDoor(nats.url);
    const raw = await persistent(door);
    await receives(raw, CONNACK);
    raw.send(disconnect());
    await raw.closed;
    const again = await persistent(door);
    await receives(again, PRESENT);
    again.send(subscribe(1, [{ filter: topic, qos: 1 }]));
    await receives(again, PRESENT, '9003000101');
    const clean = await door.socket();
    clean.send(connect({ clientId: id }), disconnect());
    await clean.closed;
    expect(clean.received()).toBe(CONNACK);
    const last = await persistent(door);
    last.send(PINGREQ);
    await receives(last, CONNACK, 'd000');
  });

  test('[MQTT3-4.4.0-1] [MQTT3-3.3.1-1] what was not acknowledged comes again with DUP and its packet id, before the rest', async () => {
    await using here = await realDoor(nats.url);
    await using there = await realDoor(nats.url);
    const raw = await persistent(here);
    raw.send(subscribe(1, [{ filter: topic, qos: 1 }]));
    await receives(raw, CONNACK, '9003000101');
    const pub = await there.client();
    for (const payload of ['a', 'b', 'c']) await pub.mqtt.publishAsync(topic, payload, { qos: 1 });
    const sent = (packetId: number, payload: string, dup = false) =>
      hex(publish({ topic, qos: 1, packetId, payload, dup }));
    await receives(raw, CONNACK, '9003000101', sent(1, 'a'), sent(2, 'b'), sent(3, 'c'));
    raw.send(acknowledge('puback', 2));
    raw.send(PINGREQ);
    await waitFor(() => raw.received().endsWith('d000'));
    await cut(here, raw);
    await pub.mqtt.publishAsync(topic, 'd', { qos: 1 });
    const again = await persistent(there);
    await receives(again, PRESENT, sent(1, 'a', true), sent(3, 'c', true), sent(4, 'd'));
    again.send(acknowledge('puback', 1), acknowledge('puback', 3), acknowledge('puback', 4), disconnect());
    await again.closed;
    const last = await persistent(here);
    last.send(PINGREQ);
    await receives(last, PRESENT, 'd000');
  });

  test('SUBSCRIBE and UNSUBSCRIBE are in force as soon as they are acknowledged, whatever happens to the door', async () => {
    await using here = await realDoor(nats.url);
    await using there = await realDoor(nats.url);
    const raw = await persistent(here);
    raw.send(
      subscribe(1, [
        { filter: `${topic}/a`, qos: 1 },
        { filter: `${topic}/b`, qos: 2 },
      ]),
    );
    raw.send(unsubscribe(2, [`${topic}/a`]));
    await receives(raw, CONNACK, '900400010102', 'b0020002');
    await here.bus.close(); // as if the process were gone: nothing more is written
    const pub = await there.client();
    await pub.mqtt.publishAsync(`${topic}/a`, 'gone', { qos: 1 });
    await pub.mqtt.publishAsync(`${topic}/b`, 'kept', { qos: 1 });
    const again = await there.client({ clientId: id, clean: false });
    await arrived(again.seen, 1);
    await pub.mqtt.publishAsync(`${topic}/b`, 'live', { qos: 2 });
    await arrived(again.seen, 2);
    expect(again.seen).toEqual([`${topic}/b kept q1`, `${topic}/b live q2`]);
  });

  test('is taken over from a connection that is alive, with what that had not acknowledged', async () => {
    await using here = await realDoor(nats.url);
    await using there = await realDoor(nats.url);
    const raw = await persistent(here);
    raw.send(subscribe(1, [{ filter: topic, qos: 1 }]));
    const pub = await there.client();
    await receives(raw, CONNACK, '9003000101');
    await pub.mqtt.publishAsync(topic, 'a', { qos: 1 });
    const a = (dup: boolean) => hex(publish({ topic, qos: 1, packetId: 1, payload: 'a', dup }));
    await receives(raw, CONNACK, '9003000101', a(false));
    const again = await persistent(there);
    await raw.closed;
    await receives(again, PRESENT, a(true));
    expect(here.door.stats).toMatchObject({ takeovers: 1, sessions: 0 });
    const back = await persistent(here);
    await again.closed;
    await receives(back, PRESENT, a(true));
  });

  test('belongs to who made it', async () => {
    await using door = await realDoor(nats.url);
    const raw = await persistent(door);
    raw.send(disconnect());
    await raw.closed;
    const sessions = door.bus.bucket('sessions');
    await waitFor(async () => {
      const entry = await sessions.get(id);
      return JSON.parse(Buffer.from(entry!.value).toString()).door === undefined;
    });
    const entry = await sessions.get(id);
    const record = JSON.parse(Buffer.from(entry!.value).toString()) as object;
    await sessions.put(id, Buffer.from(JSON.stringify({ ...record, principal: 'somebody else' })));
    for (const clean of [true, false]) {
      const thief = await door.socket();
      thief.send(connect({ clientId: id, clean }));
      await thief.closed;
      expect(thief.received()).toBe('20020005');
    }
  });

  test('without an expiry it ends with its connection', async () => {
    await using door = await realDoor(nats.url, { sessionExpirySeconds: 0 });
    const raw = await persistent(door);
    raw.send(disconnect());
    await raw.closed;
    await waitFor(async () => (await door.bus.bucket('sessions').get(id)) === undefined);
  });

  test('expires when its client stays away, and not while it is connected', async () => {
    await using door = await realDoor(nats.url, { sessionExpirySeconds: 4, cursorIntervalMs: 200 });
    const raw = await persistent(door);
    raw.send(subscribe(1, [{ filter: topic, qos: 1 }]));
    await receives(raw, CONNACK, '9003000101');
    raw.send(disconnect());
    await raw.closed;
    const again = await persistent(door);
    await receives(again, PRESENT);
    // Its record was written with an expiry when the client left; it has none now.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    again.send(PINGREQ);
    await receives(again, PRESENT, 'd000');
    again.send(disconnect());
    await again.closed;
    await waitFor(async () => (await door.bus.bucket('sessions').get(id)) === undefined, {
      timeoutMs: 45_000,
    });
  });

  test('its cursor moves while it is connected: a crash repeats little', async () => {
    await using here = await realDoor(nats.url, { cursorIntervalMs: 100 });
    await using there = await realDoor(nats.url);
    const client = await here.client({ clientId: id, clean: false });
    await client.mqtt.subscribeAsync(topic, { qos: 1 });
    const pub = await there.client();
    for (let i = 0; i < 50; i++) await pub.mqtt.publishAsync(topic, String(i), { qos: 1 });
    await arrived(client.seen, 50);
    const end = await here.bus.lastPos('MESSAGES');
    const record = async () =>
      JSON.parse(Buffer.from((await there.bus.bucket('sessions').get(id))!.value).toString()) as {
        pos: number;
        open: unknown[];
      };
    await waitFor(async () => {
      const { pos, open } = await record();
      return pos >= end && open.length === 0;
    });
    await here.bus.close();
    const again = await there.client({ clientId: id, clean: false });
    await pub.mqtt.publishAsync(topic, 'new', { qos: 1 });
    await arrived(again.seen, 1);
    expect(again.seen).toEqual([`${topic} new q1`]);
  });
});
