import type { Bus } from '@trivium/bus';
import { encodeHeaders, type QoS } from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDelivery } from './delivery.ts';
import {
  bytes,
  numbered,
  numbers,
  openBus,
  others,
  probe,
  quiet,
  store,
  sub,
  subject,
  text,
  watched,
} from './probe.fixture.ts';
import type { Delivery, KnownPositions } from './receiver.ts';

const MANY = { timeoutMs: 45_000 };
/** More than the feed is let be behind without asking the index. */
const FAR = 21_000;

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
const end = (): Promise<number> => plain.lastPos('MESSAGES');

/** A log with 50 messages of topic `a` far back, and the position before them. */
async function farBack(): Promise<{ after: number; positions: number[] }> {
  const after = await end();
  const positions: number[] = [];
  for (let n = 0; n < 50; n += 5) {
    positions.push(...(await store(plain, numbered(`${root}/a`, n, n + 5))));
    await store(plain, others(FAR / 10));
  }
  return { after, positions };
}

describe('where a filter began', () => {
  it('is kept with it, and nothing older comes by it (rule 2)', async () => {
    const after = await end();
    const positions = await store(plain, numbered(`${root}/a`, 0, 10));
    await store(plain, numbered(`${root}/b`, 10, 20));
    const c = probe(delivery, { after });
    await c.attachment.subscribe([
      sub(`${root}/a`, 1, positions[4]),
      sub(`${root}/b`, 2),
      sub(`${root}/c`, 0),
    ]);
    await waitFor(() => c.seen.length === 15);
    expect(c.seen).toEqual(numbers(5, 20));
    expect([...c.attachment.subscriptions].map(({ from }) => from)).toEqual([positions[4], after, undefined]);
    c.attachment.detach();
  });

  it('is the log position of the subscribe when none is given, and stays when the filter is replaced [MQTT3-3.8.4-3] [MQTT-3.8.4-3]', async () => {
    const [before] = await store(plain, numbered(`${root}/a`, 0, 1));
    const c = probe(delivery);
    const fromOf = (): number | undefined =>
      [...c.attachment.subscriptions].find(({ filter }) => filter === `${root}/a`)?.from;
    await c.attachment.subscribe([sub(`${root}/a`)]);
    expect(fromOf()).toBe(before);
    await store(plain, numbered(`${root}/a`, 1, 5));
    await c.attachment.subscribe([sub(`${root}/a`, 2)]);
    expect(fromOf()).toBe(before);
    await c.attachment.subscribe([sub(`${root}/a`, 1, before! - 1)]);
    expect(fromOf()).toBe(before! - 1);
    await waitFor(() => c.seen.length === 4);
    expect(c.seen).toEqual(numbers(1, 5));
    c.attachment.detach();
  });

  it('a position that a power cut took back is none: it begins at the end of the log', async () => {
    const last = await end();
    const c = probe(delivery, { after: last + 1_000 });
    await c.attachment.subscribe([sub(`${root}/a`, 1, last + 1_000)]);
    expect([...c.attachment.subscriptions].find(({ filter }) => filter === `${root}/a`)?.from).toBe(last);
    await store(plain, numbered(`${root}/a`, 0, 3));
    await waitFor(() => c.seen.length === 3);
    c.attachment.detach();
  });

  it('a newer filter that matches too does not hide what an older one has missed', async () => {
    const after = await end();
    await store(plain, numbered(`${root}/a`, 0, 20));
    const c = probe(delivery, { after, room: 5 });
    await c.attachment.subscribe([sub(`${root}/a`, 1, after)]);
    await waitFor(() => c.seen.length === 5);
    await c.attachment.subscribe([sub(`${root}/#`, 2)]);
    await store(plain, numbered(`${root}/b`, 20, 25));
    c.room = Infinity;
    c.attachment.resume();
    await waitFor(() => c.seen.length === 25);
    expect(c.seen).toEqual(numbers(0, 25));
    c.attachment.detach();
  });

  it('a filter with an older position replays for itself, next to one that matches too and is further on', async () => {
    const after = await end();
    await store(plain, [...numbered(`${root}/a`, 0, 5), ...numbered(`${root}/b`, 5, 10)]);
    const c = probe(delivery);
    await c.attachment.subscribe([sub(`${root}/#`, 2)]);
    await store(plain, numbered(`${root}/b`, 10, 12));
    await waitFor(() => c.seen.length === 2);
    await c.attachment.subscribe([sub(`${root}/b`, 1)], { after });
    await waitFor(() => c.seen.length === 9);
    await store(plain, numbered(`${root}/b`, 12, 14));
    await waitFor(() => c.seen.length === 11);
    expect(c.seen).toEqual([...numbers(10, 12), ...numbers(5, 14)]);
    c.attachment.detach();
  });
});

describe('the position index', () => {
  it('spares the scan: its positions are read, then what came since, in order', async () => {
    const { after, positions } = await farBack();
    const asked: number[][] = [];
    const ask = async (from: number, upTo: number): Promise<KnownPositions> => {
      asked.push([from, upTo]);
      // While it thinks, more comes.
      await store(plain, numbered(`${root}/a`, 50, 60));
      return { from: from - 10, through: upTo, positions };
    };
    const c = probe(delivery, { after, ask, room: 7 });
    const last = await end();
    await c.attachment.subscribe([sub(`${root}/a`, 1, after)]);
    expect(c.seen).toEqual([]);
    const pace = setInterval(() => {
      c.room = 7;
      c.attachment.resume();
    }, 1);
    await store(plain, numbered(`${root}/b`, 0, 5));
    await waitFor(() => c.seen.length === 60, MANY);
    await store(plain, numbered(`${root}/a`, 60, 65));
    await waitFor(() => c.seen.length === 65, MANY);
    clearInterval(pace);
    expect([c.seen, asked, scans()]).toEqual([numbers(0, 65), [[after, last]], 0]);
    expect(bus.follows.map((follow) => follow.after)).toEqual([last]);
    expect(c.attachment.live).toBe(true);
  });

  it('that knows only a part is helped out: the scan goes on from there', async () => {
    const { after, positions } = await farBack();
    const through = positions[20]!;
    const ask = (): Promise<KnownPositions> =>
      Promise.resolve({ from: after, through, positions: positions.slice(0, 21) });
    const c = probe(delivery, { after, ask });
    await c.attachment.subscribe([sub(`${root}/a`, 1, after)]);
    await waitFor(() => c.seen.length === 50, MANY);
    expect(c.seen).toEqual(numbers(0, 50));
    expect(bus.follows.map(({ lane, after: from }) => [lane ?? 'feed', from]).slice(1)).toEqual([
      ['scan', through],
    ]);
  });

  const useless: [string, () => Promise<KnownPositions | undefined>][] = [
    ['does not know', () => Promise.resolve(undefined)],
    ['fails', () => Promise.reject(new Error('no router'))],
    ['begins too late', () => Promise.resolve({ from: 1e9, through: 2e9, positions: [] })],
    ['ends too early', () => Promise.resolve({ from: 0, through: 1, positions: [1] })],
    ['never answers', () => new Promise(() => undefined)],
  ];
  it.each(useless)('that %s costs nothing but the scan', async (_what, ask) => {
    const { after } = await farBack();
    const c = probe(delivery, { after, ask });
    await c.attachment.subscribe([sub(`${root}/a`, 1, after)]);
    await waitFor(() => c.seen.length === 50, MANY);
    expect([c.seen, scans()]).toEqual([numbers(0, 50), 1]);
  });

  it('of many that come back together is not used: one scan is less work than to read what each one wants', async () => {
    const { after, positions } = await farBack();
    const ask = (_after: number, upTo: number): Promise<KnownPositions> =>
      Promise.resolve({ from: after, through: upTo, positions });
    const all = Array.from({ length: 300 }, () => probe(delivery, { after, ask }));
    await Promise.all(all.map((c) => c.attachment.subscribe([sub(`${root}/a`, 1, after)])));
    await waitFor(() => all.every((c) => c.seen.length === 50), MANY);
    for (const c of all) expect(c.seen).toEqual(numbers(0, 50));
    expect(scans()).toBe(1);
    expect(bus.fetched.length).toBe(0);
  });

  it('is not asked for a short way', async () => {
    const after = await end();
    await store(plain, [...numbered(`${root}/a`, 0, 20), ...others(5_000)]);
    const ask = (): Promise<undefined> => expect.unreachable();
    const c = probe(delivery, { after, ask });
    await c.attachment.subscribe([sub(`${root}/a`, 1, after)]);
    await waitFor(() => c.seen.length === 20, MANY);
    expect(scans()).toBe(0);
  });

  it('a filter that comes while it thinks misses nothing, though the index does not know it', async () => {
    const { after, positions } = await farBack();
    let answer: (known: KnownPositions) => void = () => undefined;
    const ask = (): Promise<KnownPositions> => new Promise((resolve) => (answer = resolve));
    const c = probe(delivery, { after, ask });
    await c.attachment.subscribe([sub(`${root}/a`, 1, after)]);
    await c.attachment.subscribe([sub(`${root}/b`)]);
    await store(plain, numbered(`${root}/b`, 50, 60));
    answer({ from: after, through: await end(), positions });
    await waitFor(() => c.seen.length === 60, MANY);
    expect(c.seen).toEqual(numbers(0, 60));
  });

  it('says what the session limits took', async () => {
    const { after, positions } = await farBack();
    const dropped = { pos: positions[9]!, messages: 10, bytes: 100 };
    const ask = (_after: number, upTo: number): Promise<KnownPositions> =>
      Promise.resolve({ from: after, through: upTo, positions: positions.slice(10), dropped });
    const c = probe(delivery, { after, ask });
    await c.attachment.subscribe([sub(`${root}/a`, 1, after)]);
    await waitFor(() => c.seen.length === 40, MANY);
    expect([c.seen, c.dropped]).toEqual([numbers(10, 50), { messages: 10, bytes: 100 }]);
    expect([delivery.stats.dropped, scans()]).toEqual([10, 0]);
  });
});

describe('a session that is far behind', () => {
  it('does not make the others wait for what it has missed', async () => {
    const { after } = await farBack();
    const c = probe(delivery, { after, room: 0 });
    await c.attachment.subscribe([sub(`${root}/a`, 1, after)]);
    expect(bus.follows[0]!.after).toBe(await end());
    const other = probe(delivery);
    await other.attachment.subscribe([sub(`${root}/new`)]);
    await store(plain, numbered(`${root}/new`, 0, 1));
    await waitFor(() => other.seen.length === 1);
    expect(c.seen).toEqual([]);
  });

  it('is given nothing that is older than its limit, and counts', async () => {
    const after = await end();
    await store(plain, numbered(`${root}/a`, 0, 10));
    const stored = Date.now();
    await waitFor(() => Date.now() > stored + 1_500);
    await store(plain, numbered(`${root}/a`, 10, 20));
    const limits = { maxMessages: 1e6, maxBytes: 1e9, maxAgeMs: Date.now() - stored - 20 };
    const c = probe(delivery, { after, limits });
    await c.attachment.subscribe([sub(`${root}/a`, 1, after)]);
    await waitFor(() => c.seen.length === 10);
    expect([c.seen, delivery.stats.expired]).toEqual([numbers(10, 20), 1]);
    const young = probe(delivery, { after, limits: { ...limits, maxAgeMs: 3_600_000 } });
    await young.attachment.subscribe([sub(`${root}/a`, 1, after)]);
    await waitFor(() => young.seen.length === 20);
    expect(delivery.stats.expired).toBe(1);
  });
});

describe('read', () => {
  const read = async (door: Delivery, wanted: Parameters<Delivery['read']>[0]): Promise<string[]> => {
    const found: string[] = [];
    await door.read(wanted, (pos, message) => {
      found.push(
        message === undefined ? `${pos} gone` : `${message.topic} ${text(message.payload)} q${message.qos}`,
      );
      if (message !== undefined) expect(message.pos).toBe(pos);
    });
    return found;
  };

  it('gives messages in the order asked for, however many', async () => {
    const positions = await store(plain, numbered(`${root}/a`, 0, 500));
    const wanted = positions.map((pos) => ({ pos })).reverse();
    const far = (await end()) + 100;
    expect(await read(delivery, [...wanted, { pos: far }])).toEqual([
      ...numbers(0, 500)
        .map((n) => `${root}/a ${n} q1`)
        .reverse(),
      `${far} gone`,
    ]);
    expect(await read(delivery, [])).toEqual([]);
  });

  it('finds what was sent as a retained message also when the log has dropped it, while it is retained', async () => {
    await using server = await startNats();
    const own = await openBus(server.url, { retentionMaxBytes: 20_000 });
    const door = createDelivery({ bus: own, logger: quiet });
    const retain = async (payload: string, qos: QoS): Promise<number> => {
      const headers = encodeHeaders({ retain: true });
      const { pos } = await own.publisher.store(subject('r/a', qos), bytes(payload), headers);
      await own.retain({ tokens: 'r.a', payload: bytes(payload), qos, pos });
      return pos;
    };
    const old = await retain('old', 1);
    const kept = await retain('kept', 2);
    const [last] = (await store(own, [...others(1_000), ...numbered('r/b', 0, 1)])).slice(-1);
    expect(
      await read(door, [
        { pos: old, retained: 'r.a' },
        { pos: kept, retained: 'r.a' },
        { pos: kept },
        { pos: last! },
      ]),
    ).toEqual([`${old} gone`, 'r/a kept q2', `${kept} gone`, 'r/b 0 q1']);
    const cleared = await retain('', 1);
    await store(own, others(1_000));
    expect(
      await read(door, [
        { pos: kept, retained: 'r.a' },
        { pos: cleared, retained: 'r.a' },
      ]),
    ).toEqual([`${kept} gone`, `${cleared} gone`]);
    door.close();
    await own.close();
  });

  it('is refused as retryable when the bus is away', async () => {
    await using server = await startNats();
    const own = await openBus(server.url);
    const door = createDelivery({ bus: own, logger: quiet });
    const positions = await store(own, numbered('r/a', 0, 3));
    await server.kill();
    await waitFor(() => !own.up);
    await expect(read(door, [{ pos: positions[0]! }])).rejects.toMatchObject({ category: 'retryable' });
    door.close();
    await own.close();
  });
});
