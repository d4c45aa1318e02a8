import type { Bus, Publisher } from '@trivium/bus';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { handClock } from '@trivium/clock';
import { connect, startDoor, type DoorUnderTest, type JsonClient } from './door-under-test.ts';

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(async () => {
  await nats.stop();
});

let topics = 0;
const freshTopic = (): string => `f${++topics}`;
const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);

/** Stores messages by another way than the client under test. */
async function store(door: DoorUnderTest, topic: string, payloads: string[], size = 0): Promise<void> {
  const filler = ' '.repeat(size);
  for (const payload of payloads)
    await door.bus.publisher.store(`tv1.m.1.-.${topic}`, Buffer.from(payload + filler));
}

async function subscribed(door: DoorUnderTest, topic: string): Promise<JsonClient> {
  const client = await connect(door.url);
  await client.ask({ op: 'sub', filters: [{ filter: topic, qos: 1 }] });
  return client;
}

describe('the window of unacknowledged messages', () => {
  test('it stops the flow, a cumulative ack opens it, and nothing is lost or doubled', async () => {
    await using door = await startDoor(nats.url, { config: { maxUnacknowledged: 5 } });
    const topic = freshTopic();
    await using client = await subscribed(door, topic);
    await store(door, topic, numbers(0, 23));
    const positions = (): number[] =>
      client.frames.filter((frame) => frame['op'] === 'msg').map((frame) => frame['pos'] as number);
    for (const upTo of [5, 10, 15, 20]) {
      await waitFor(() => positions().length === upTo);
      await client.ask({ op: 'ping' });
      expect(positions()).toHaveLength(upTo);
      client.send({ op: 'ack', pos: positions().at(-1) });
    }
    await client.seen({ payload: '22' });
    expect(client.payloads()).toEqual(numbers(0, 23));
  });

  test('an ack in the middle frees that much; live messages pass a full window', async () => {
    await using door = await startDoor(nats.url, { config: { maxUnacknowledged: 3 } });
    const topic = freshTopic();
    await using client = await subscribed(door, topic);
    await store(door, topic, numbers(0, 6));
    const second = await client.seen({ payload: '1' });
    await client.seen({ payload: '2' });
    expect(await client.ask({ op: 'ack', pos: second['pos'] })).toMatchObject({ op: 'ok' });
    await client.seen({ payload: '4' });
    await client.ask({ op: 'pub', topic, payload: 'live' });
    await client.seen({ payload: 'live' });
    expect(client.payloads()).toEqual(['0', '1', '2', '3', '4', 'live']);
  });

  test('a client that acknowledges nothing for slowTimeoutMs is closed with 1013 and a reason', async () => {
    const clock = handClock();
    const config = { maxUnacknowledged: 2, slowTimeoutMs: 5_000 };
    await using door = await startDoor(nats.url, { config, clock });
    const topic = freshTopic();
    await using client = await subscribed(door, topic);
    await store(door, topic, numbers(0, 3));
    await waitFor(() => door.door.stats.stalls === 1);
    clock.advance(4_999);
    expect(await client.ask({ op: 'ping' })).toMatchObject({ op: 'pong' });
    clock.advance(1);
    expect(await client.closing()).toEqual({
      code: 1013,
      reason: 'slow-consumer: 2 messages were not acknowledged in time',
    });
    await using back = await connect(door.url);
    await back.ask({
      op: 'sub',
      filters: [{ filter: topic, qos: 1 }],
      from: client.frames.findLast((frame) => frame['op'] === 'msg')!['pos'],
    });
    await back.seen({ payload: '2' });
    expect(back.payloads()).toEqual(['2']);
  });
});

describe('a client that does not read', () => {
  const bound = 65_536;
  const size = 10_000;

  test('costs a bounded number of bytes, live messages are dropped and counted, durable ones come when it reads again', async () => {
    await using door = await startDoor(nats.url, { config: { maxOutputBytes: bound } });
    const topic = freshTopic();
    await using client = await subscribed(door, topic);
    client.ws.pause();
    const total = 2_000;
    await store(door, topic, numbers(0, total), size);
    await waitFor(() => door.door.stats.stalls > 0);
    const sent = door.door.stats.deliveredDurable;
    expect(sent).toBeLessThan(total);
    for (let i = 0; i < 50; i++) door.bus.publisher.live(`tv1.m.0.-.${topic}`, Buffer.from('live'));
    await waitFor(() => door.door.stats.droppedLive === 50);
    expect(door.door.stats.deliveredDurable).toBe(sent);
    client.ws.resume();
    await waitFor(() => client.payloads().length === total, { timeoutMs: 45_000 });
    expect(client.payloads().map((payload) => String(payload).trim())).toEqual(numbers(0, total));
  });

  test('for slowTimeoutMs is closed with 1013 and a reason', async () => {
    const clock = handClock();
    const config = { maxOutputBytes: bound, slowTimeoutMs: 5_000 };
    await using door = await startDoor(nats.url, { config, clock });
    const topic = freshTopic();
    await using client = await subscribed(door, topic);
    client.ws.pause();
    await store(door, topic, numbers(0, 1_000), size);
    await waitFor(() => door.door.stats.stalls > 0);
    clock.advance(5_000);
    client.ws.resume();
    expect(await client.closing()).toEqual({
      code: 1013,
      reason: expect.stringMatching(/^slow-consumer: \d+ bytes were not read in time$/),
    });
    await waitFor(() => door.door.stats.connectionsTrivium === 0);
  });

  test('and asks all the time is not answered without bound: its own socket is not read meanwhile', async () => {
    await using door = await startDoor(nats.url, { config: { maxOutputBytes: bound } });
    await using client = await connect(door.url);
    client.ws.pause();
    const ping = JSON.stringify({ op: 'ping', id: 'x'.repeat(256) });
    const total = 40_000;
    for (let i = 0; i < total; i++) client.ws.send(ping);
    let framesIn = 0;
    await waitFor(
      () => {
        const still = framesIn === door.door.stats.framesIn && framesIn > 0;
        framesIn = door.door.stats.framesIn;
        return still;
      },
      { intervalMs: 300 },
    );
    expect(framesIn).toBeLessThan(total);
    client.ws.resume();
    await waitFor(() => client.frames.length === total + 1, { timeoutMs: 45_000 });
  });
});

/** A bus whose durable publishes reach NATS only when they are released. */
function heldBus() {
  const held: (() => void)[] = [];
  let free = false;
  const wrap = (real: Bus): Bus => {
    const publisher = Object.create(real.publisher) as Publisher;
    publisher.durable = (...publish) => {
      const go = (): void => real.publisher.durable(...publish);
      if (free) go();
      else held.push(go);
    };
    return Object.create(real, { publisher: { value: publisher } }) as Bus;
  };
  return {
    bus: wrap,
    release() {
      free = true;
      for (const go of held.splice(0)) go();
    },
  };
}

test('a client that publishes faster than messages are stored is not read meanwhile, and every publish is answered', async () => {
  const { bus, release } = heldBus();
  await using door = await startDoor(nats.url, { bus, config: { maxOpenPublishes: 10 } });
  await using client = await connect(door.url);
  for (const n of numbers(0, 3_000))
    client.send({ op: 'pub', id: `p${n}`, topic: 'fast', payload: 'x'.repeat(500), qos: 1 });
  let open = 0;
  await waitFor(
    () => {
      const still = open === door.door.stats.openPublishes && open > 0;
      open = door.door.stats.openPublishes;
      return still;
    },
    { intervalMs: 200 },
  );
  // What one read of the socket brought in is still taken.
  expect(open).toBeLessThan(300);
  release();
  await waitFor(() => client.frames.length === 3_001, { timeoutMs: 45_000 });
  expect(
    client.frames.slice(1).every((frame) => frame['op'] === 'ok' && typeof frame['pos'] === 'number'),
  ).toBe(true);
  expect(door.door.stats.openPublishes).toBe(0);
});

describe('drain', () => {
  test('what was accepted is stored and answered, then every client is closed with 1012', async () => {
    const { bus, release } = heldBus();
    await using door = await startDoor(nats.url, { bus });
    await using publisher = await connect(door.url);
    await using idle = await connect(door.url);
    for (let i = 0; i < 100; i++) publisher.send({ op: 'pub', id: i, topic: 'd', qos: 1 });
    await waitFor(() => door.door.stats.openPublishes === 100);
    door.door.stopAccepting();
    await expect(connect(door.url)).rejects.toThrow();
    const drained = door.door.drain({ signal: new AbortController().signal, graceMs: 1_000 });
    expect(await idle.closing()).toEqual({ code: 1012, reason: 'server.draining' });
    await waitFor(() => {
      publisher.send({ op: 'ping' });
      return publisher.frames.some((frame) => frame['code'] === 'server.draining');
    });
    expect(publisher.closed).toBeUndefined();
    release();
    await drained;
    expect(await publisher.closing()).toMatchObject({ code: 1012 });
    expect(
      publisher.frames.filter((frame) => frame['op'] === 'ok' && 'pos' in frame && 'id' in frame),
    ).toHaveLength(100);
  });

  test('past the signal the rest is cut off', async () => {
    await using door = await startDoor(nats.url);
    await using deaf = await connect(door.url);
    deaf.ws.pause();
    const grace = new AbortController();
    door.door.stopAccepting();
    const drained = door.door.drain({ signal: grace.signal, graceMs: 100 });
    await waitFor(() => door.door.stats.connectionsTrivium === 1);
    grace.abort();
    await drained;
    expect(door.door.stats.connectionsTrivium).toBe(0);
  });
});

test('a door that must give up its clients closes them all with 1013 and delivers nothing more', async () => {
  let may = true;
  await using door = await startDoor(nats.url, { mayServe: () => may });
  const topic = freshTopic();
  await using client = await subscribed(door, topic);
  await using other = await connect(door.url);
  may = false;
  door.door.closeClients('bus.unavailable');
  expect(door.delivery.stats.receivers).toBe(0);
  expect([await client.closing(), await other.closing()].map(({ code }) => code)).toEqual([1013, 1013]);
  await expect(connect(door.url)).rejects.toThrow('503');
  may = true;
  await using _again = await connect(door.url);
});

test('a peer that died without a word is given up after two ping intervals', async () => {
  const clock = handClock();
  await using door = await startDoor(nats.url, { config: { pingIntervalMs: 1_000 }, clock });
  await using alive = await connect(door.url);
  await using dead = await connect(door.url, { autoPong: false });
  for (const _ of [1, 2, 3, 4]) {
    clock.advance(1_000);
    await alive.ask({ op: 'ping' });
  }
  expect(await dead.closing()).toMatchObject({ code: 1006 });
  expect(alive.closed).toBeUndefined();
});
