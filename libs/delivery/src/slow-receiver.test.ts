import type { Bus } from '@trivium/bus';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDelivery } from './delivery.ts';
import {
  numbered,
  numbers,
  openBus,
  others,
  probe,
  quiet,
  store,
  sub,
  watched,
  type Probe,
} from './probe.fixture.ts';
import type { Delivery } from './receiver.ts';

const MANY = { timeoutMs: 45_000 };

let nats: NatsServer;
let plain: Bus;
let bus: ReturnType<typeof watched>;
let delivery: Delivery;
beforeAll(async () => {
  nats = await startNats();
  plain = await openBus(nats.url);
});
afterAll(async () => {
  await plain.close();
  await nats.stop();
});

let run = 0;
let root = '';
beforeEach(() => {
  root = `t${++run}`;
  bus = watched(plain);
  delivery = createDelivery({ bus: bus.bus, logger: quiet });
});
afterEach(() => delivery.close());

const scans = (): number => bus.follows.filter(({ lane }) => lane === 'scan').length;

/** The feed has come as far as the log: a second client, that has room, says so. */
async function feedIsLevel(): Promise<void> {
  const marker = probe(delivery);
  await marker.attachment.subscribe([sub(`${root}/marker`)]);
  await store(plain, [{ topic: `${root}/marker`, payload: 'here' }]);
  await waitFor(() => marker.seen.length === 1, MANY);
  marker.attachment.detach();
}

/** Gives room in portions until it has seen so many. */
async function drainTo(slow: Probe, count: number, portion: number): Promise<void> {
  while (slow.seen.length < count) {
    const had = slow.seen.length;
    slow.room = portion;
    slow.attachment.resume();
    await waitFor(() => slow.seen.length > had, MANY);
  }
}

describe('a receiver without room', () => {
  it('is given what it waited for by position, and nothing else is read', async () => {
    const slow = probe(delivery, { room: 3 });
    await slow.attachment.subscribe([sub(`${root}/a`)]);
    const positions: number[] = [];
    for (let n = 0; n < 100; n++) {
      positions.push(...(await store(plain, numbered(`${root}/a`, n, n + 1))));
      await store(plain, others(150));
    }
    await feedIsLevel();
    expect([slow.seen, slow.attachment.live]).toEqual([numbers(0, 3), false]);
    await drainTo(slow, 100, 7);
    expect([slow.seen, slow.positions]).toEqual([numbers(0, 100), positions]);
    expect(scans()).toBe(0);
    // Those that are not in memory any more, each once or, when the receiver had no room for it, twice.
    expect(new Set(bus.fetched).size).toBeGreaterThan(30);
    expect(bus.fetched.length).toBeLessThan(2 * 100);
    expect(bus.fetched.filter((pos) => !positions.includes(pos))).toEqual([]);
    slow.room = Infinity;
    slow.attachment.resume();
    await store(plain, numbered(`${root}/a`, 100, 110));
    await waitFor(() => slow.seen.length === 110);
    expect([slow.seen, slow.attachment.live]).toEqual([numbers(0, 110), true]);
  });

  it('with more than its backlog keeps goes on by the scan, in order', async () => {
    const slow = probe(delivery, { room: 3 });
    await slow.attachment.subscribe([sub(`${root}/#`)]);
    await store(plain, numbered(`${root}/a`, 0, 4_000));
    await store(plain, others(10_000));
    await feedIsLevel();
    await drainTo(slow, 4_000, 150);
    expect(slow.seen.slice(0, 4_000)).toEqual(numbers(0, 4_000));
    expect(scans()).toBeGreaterThan(0);
    await drainTo(slow, 4_001, 1_000);
    await waitFor(() => slow.attachment.live, MANY);
    await store(plain, numbered(`${root}/a`, 4_000, 4_010));
    slow.room = Infinity;
    slow.attachment.resume();
    await waitFor(() => slow.seen.length === 4_011, MANY);
    expect(slow.seen.slice(-10)).toEqual(numbers(4_000, 4_010));
  });

  it('gets what comes while it is being given its backlog after that, whatever its pace', async () => {
    const receivers = [1, 2, 5, 40, 300].map((portion) => ({ portion, slow: probe(delivery, { room: 0 }) }));
    for (const { slow } of receivers) await slow.attachment.subscribe([sub(`${root}/a`)]);
    let sent = 0;
    let stop = false;
    const traffic = (async () => {
      while (!stop) {
        await store(plain, numbered(`${root}/a`, sent, sent + 5));
        sent += 5;
        await store(plain, others(500));
      }
    })();
    await waitFor(() => sent > 200, MANY);
    const reading = setInterval(() => {
      for (const { portion, slow } of receivers) {
        slow.room = portion;
        slow.attachment.resume();
      }
    }, 1);
    await waitFor(
      () => receivers.every(({ portion, slow }) => slow.seen.length > (portion < 40 ? 20 : 300)),
      MANY,
    );
    stop = true;
    await traffic;
    await waitFor(() => receivers.every(({ slow }) => slow.seen.length === sent), MANY);
    clearInterval(reading);
    for (const { slow } of receivers) expect(slow.seen).toEqual(numbers(0, sent));
  });

  it('has nothing of the log read for it', async () => {
    const slow = probe(delivery, { room: 0 });
    await slow.attachment.subscribe([sub(`${root}/#`)]);
    await store(plain, [
      ...numbered(`${root}/a`, 0, 500),
      ...others(9_000),
      ...numbered(`${root}/a`, 500, 600),
    ]);
    await feedIsLevel();
    expect([bus.fetched.length, bus.follows.length]).toEqual([0, 1]);
    slow.room = Infinity;
    slow.attachment.resume();
    await waitFor(() => slow.seen.length === 601, MANY);
    expect([bus.fetched.length, bus.follows.length]).toEqual([500, 1]);
  });

  it('that is gone or unsubscribes while it is read for is given no more', async () => {
    const [gone, none] = [probe(delivery, { room: 0 }), probe(delivery, { room: 0 })];
    for (const slow of [gone, none]) await slow.attachment.subscribe([sub(`${root}/a`), sub(`${root}/b`)]);
    await store(plain, [
      ...numbered(`${root}/a`, 0, 50),
      ...numbered(`${root}/b`, 50, 60),
      ...others(10_000),
    ]);
    await feedIsLevel();
    for (const slow of [gone, none]) {
      slow.room = Infinity;
      slow.attachment.resume();
    }
    gone.attachment.detach();
    none.attachment.unsubscribe([sub(`${root}/a`).filter]);
    await waitFor(() => none.seen.length === 10, MANY);
    expect([gone.seen, none.seen]).toEqual([[], numbers(50, 60)]);
    expect(delivery.stats.receivers).toBe(1);
  });

  it('hears what retention took while it waited', async () => {
    await using server = await startNats();
    const own = await openBus(server.url, { retentionMaxBytes: 60_000 });
    const door = createDelivery({ bus: own, logger: quiet });
    const slow = probe(door, { room: 0 });
    await slow.attachment.subscribe([sub('r/a')]);
    // In portions, so that retention takes nothing that the feed has not read.
    const isRead = (count: number) => waitFor(() => own.stats.durableReceived >= count, MANY);
    const first = await store(own, numbered('r/a', 0, 100));
    await isRead(100);
    for (let i = 1; i <= 45; i++) {
      await store(own, others(200));
      await isRead(100 + 200 * i);
    }
    await store(own, numbered('r/a', 100, 110));
    await isRead(9_110);
    slow.room = Infinity;
    slow.attachment.resume();
    await waitFor(() => slow.seen.length === 10, MANY);
    expect(slow.seen).toEqual(numbers(100, 110));
    expect(slow.lost).toEqual([[first[0]! - 1, first.at(-1)! + 1]]);
    expect(door.stats.lostToRetention).toBe(100);
    door.close();
    await own.close();
  });
});

describe('queue limits', () => {
  const day = 86_400_000;

  it('take the oldest of what waits for a connected client, and say so', async () => {
    const limits = { maxMessages: 500, maxBytes: 1e6, maxAgeMs: day };
    const slow = probe(delivery, { room: 10, limits });
    await slow.attachment.subscribe([sub(`${root}/a`)]);
    await store(plain, numbered(`${root}/a`, 0, 3_000));
    await feedIsLevel();
    const left = 3_000 - 10 - slow.dropped.messages;
    expect(left).toBeLessThanOrEqual(500);
    expect(left).toBeGreaterThan(400);
    expect(delivery.stats.dropped).toBe(slow.dropped.messages);
    await drainTo(slow, 10 + left, 64);
    expect(slow.seen).toEqual([...numbers(0, 10), ...numbers(3_000 - left, 3_000)]);
    expect(slow.lost).toEqual([]);
  });

  it('count bytes, and what lies beyond the positions that are kept', async () => {
    const limits = { maxMessages: 1e6, maxBytes: 20_000, maxAgeMs: day };
    const slow = probe(delivery, { room: 0, limits });
    await slow.attachment.subscribe([sub(`${root}/a`)]);
    await store(plain, numbered(`${root}/a`, 0, 30_000));
    await feedIsLevel();
    const left = 30_000 - slow.dropped.messages;
    expect(left).toBeLessThanOrEqual(4_000);
    expect(left).toBeGreaterThan(3_000);
    slow.room = Infinity;
    slow.attachment.resume();
    await waitFor(() => slow.seen.length === left, MANY);
    expect(slow.seen).toEqual(numbers(30_000 - left, 30_000));
    const size = numbers(0, 30_000 - left).reduce((sum, one) => sum + one.length, 0);
    expect(slow.dropped.bytes).toBe(size);
  });

  it('hold for one that never quite catches up', async () => {
    const limits = { maxMessages: 2_000, maxBytes: 1e9, maxAgeMs: day };
    const slow = probe(delivery, { room: 0, limits });
    await slow.attachment.subscribe([sub(`${root}/a`)]);
    let sent = 0;
    for (let round = 0; round < 20; round++) {
      await store(plain, numbered(`${root}/a`, sent, (sent += 1_000)));
      await feedIsLevel();
      await drainTo(slow, slow.seen.length + 100, 100);
    }
    expect(slow.dropped.messages).toBeGreaterThan(20_000 - 2_000 - 2_000 - 500);
    slow.room = Infinity;
    slow.attachment.resume();
    await waitFor(() => slow.seen.length + slow.dropped.messages === sent, MANY);
    expect(slow.seen.at(-1)).toBe(String(sent - 1));
    const order = slow.seen.map(Number);
    expect(order).toEqual([...new Set(order)].sort((a, b) => a - b));
    await waitFor(() => slow.attachment.live, MANY);
  });
});
