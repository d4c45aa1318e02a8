import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Will } from './codec/packets.ts';
import { connect, disconnect, packet, publish } from './testing/client-packets.ts';
import { arrived, realDoor, type RawClient, type RealDoor, type TestClient } from './testing/real-door.ts';

let nats: NatsServer;
beforeAll(async () => void (nats = await startNats()));
afterAll(() => nats.stop());

let run = 0;
let id = '';
let topic = '';
beforeEach(() => {
  id = `mortal-${++run}`;
  topic = `w${run}`;
});

const will = (fields: Partial<Will> = {}): Will => ({
  ...{ topic, payload: Buffer.from('gone'), qos: 1, retain: false, properties: undefined },
  ...fields,
});

async function mortal(
  door: RealDoor,
  fields: Partial<Will> = {},
  clean = true,
  keepAliveSeconds = 0,
): Promise<RawClient> {
  const raw = await door.socket();
  raw.send(connect({ clientId: id, clean, will: will(fields), keepAliveSeconds }));
  await waitFor(() => raw.received().length >= 8);
  return raw;
}

async function watcher(door: RealDoor): Promise<TestClient> {
  const client = await door.client();
  await client.mqtt.subscribeAsync([topic, `end${topic}`], { qos: 2 });
  return client;
}

/** What was seen until now, proven by a later message. */
async function settled(client: TestClient): Promise<string[]> {
  await client.mqtt.publishAsync(`end${topic}`, '', { qos: 1 });
  await waitFor(() => client.seen.at(-1)!.startsWith(`end${topic}`));
  return client.seen.slice(0, -1);
}

describe('a will [MQTT3-3.1.2-8]', () => {
  test.each([
    ['the connection breaks', (raw: RawClient) => void raw.socket.destroy()],
    ['the client closes it without DISCONNECT', (raw: RawClient) => void raw.socket.end()],
    ['the client breaks the protocol', (raw: RawClient) => raw.send(packet(0xf0))],
    ['the client sends a second CONNECT', (raw: RawClient) => raw.send(connect())],
  ])('is published when %s', async (_name, end) => {
    await using door = await realDoor(nats.url);
    const seen = await watcher(door);
    end(await mortal(door));
    await arrived(seen.seen, 1);
    expect(await settled(seen)).toEqual([`${topic} gone q1`]);
    await waitFor(async () => (await door.bus.bucket('sessions').get(id)) === undefined);
  });

  test('is published when the client is silent for one and a half keep-alives', async () => {
    await using door = await realDoor(nats.url);
    const seen = await watcher(door);
    await mortal(door, {}, true, 1);
    await waitFor(() => seen.seen.length === 1, { timeoutMs: 45_000 });
  });

  test('is published when another connection takes over, of the first connection and only of that', async () => {
    await using here = await realDoor(nats.url);
    await using there = await realDoor(nats.url);
    const seen = await watcher(here);
    await mortal(here, { payload: Buffer.from('first') });
    const second = await mortal(there, { payload: Buffer.from('second') });
    await arrived(seen.seen, 1);
    expect(await settled(seen)).toEqual([`${topic} first q1`]);
    await mortal(there, { payload: Buffer.from('third') });
    await second.closed;
    await waitFor(() => seen.seen.includes(`${topic} second q1`));
  });

  test('[MQTT3-3.14.4-3] is dropped at DISCONNECT', async () => {
    await using door = await realDoor(nats.url);
    const seen = await watcher(door);
    for (const clean of [true, false]) {
      const raw = await mortal(door, {}, clean);
      raw.send(disconnect());
      await raw.closed;
    }
    expect(await settled(seen)).toEqual([]);
  });

  test.each([0, 1, 2] as const)('has its QoS %i', async (qos) => {
    await using door = await realDoor(nats.url);
    const seen = await watcher(door);
    const live = await door.client();
    await live.mqtt.subscribeAsync(topic, { qos: 0 });
    (await mortal(door, { qos })).socket.destroy();
    await arrived(seen.seen, 1);
    await arrived(live.seen, 1);
    expect([await settled(seen), live.seen]).toEqual([[`${topic} gone q${qos}`], [`${topic} gone q0`]]);
  });

  test('[MQTT3-3.1.2-17] is retained when it asks for it, and empty ones too', async () => {
    await using door = await realDoor(nats.url);
    const seen = await watcher(door);
    (await mortal(door, { retain: true, qos: 0 })).socket.destroy();
    await arrived(seen.seen, 1);
    await waitFor(async () => {
      const late = await door.client();
      await late.mqtt.subscribeAsync(topic, { qos: 1 });
      await late.mqtt.publishAsync(`${topic}/other`, '', { qos: 1 });
      late.mqtt.end();
      return late.seen.includes(`${topic} gone q0`);
    });
    (await mortal(door, { payload: Buffer.alloc(0), qos: 2 })).socket.destroy();
    await waitFor(() => seen.seen.includes(`${topic}  q2`));
  });

  test('comes each time that a client of the same id dies', async () => {
    await using door = await realDoor(nats.url);
    const seen = await watcher(door);
    for (let i = 1; i <= 3; i++) {
      (await mortal(door)).socket.destroy();
      await arrived(seen.seen, i);
    }
    expect(await settled(seen)).toEqual(Array(3).fill(`${topic} gone q1`));
  });

  test('waits for NATS, and then comes once', async () => {
    await using own = await startNats();
    await using door = await realDoor(own.url);
    const seen = await watcher(door);
    const raw = await mortal(door);
    await own.kill();
    await waitFor(() => !door.bus.up);
    raw.socket.destroy();
    await waitFor(() => door.door.stats.sessions === 1);
    await own.restart();
    await waitFor(() => seen.seen.length === 1, { timeoutMs: 45_000 });
    expect(await settled(seen)).toEqual([`${topic} gone q1`]);
  });

  test('of a door that is gone comes with the next connection, once, and after what the client had published', async () => {
    await using here = await realDoor(nats.url);
    await using there = await realDoor(nats.url);
    const seen = await watcher(there);
    const raw = await mortal(here, {}, false);
    raw.send(publish({ topic, qos: 1, packetId: 1, payload: 'last' }));
    await arrived(seen.seen, 1);
    await here.bus.close();
    const again = await mortal(there, {}, false);
    await arrived(seen.seen, 2);
    again.send(disconnect());
    await again.closed;
    expect(await settled(seen)).toEqual([`${topic} last q1`, `${topic} gone q1`]);
  });
});
