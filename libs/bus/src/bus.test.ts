import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bus, BusMessage } from './bus.ts';
import { connectBus } from './connect-bus.ts';
import type { Logger } from './config.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);
const open = (url: string): Promise<Bus> =>
  connectBus({ config: { url, name: 'test', publishTimeoutMs: 2_000 }, logger: quiet });

let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await open(nats.url);
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

/** Publishes `count` messages with numbered payloads and resolves when all are stored, with their positions. */
function publishMany(on: Bus, subject: string, count: number): Promise<number[]> {
  const positions: number[] = [];
  return new Promise((resolve, reject) => {
    const sink = {
      stored(_token: number, pos: number) {
        positions.push(pos);
        if (positions.length === count) resolve(positions);
      },
      failed: (token: number, code: string) => reject(new Error(`${token}: ${code}`)),
    };
    for (let i = 0; i < count; i++) on.publisher.durable(subject, bytes(String(i)), undefined, sink, i);
  });
}

describe('connectBus', () => {
  it('may be called by many services at once: provisioning is idempotent', async () => {
    const others = await Promise.all([open(nats.url), open(nats.url), open(nats.url)]);
    expect(new Set(others.map((other) => other.incarnation)).size).toBe(3);
    await Promise.all(others.map((other) => other.close()));
  });

  it('refuses a NATS whose control lines are too short for a legal topic', async () => {
    await using small = await startNats({ extraConfig: 'max_control_line: 4096\n' });
    await expect(open(small.url)).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining('max_control_line'),
    });
  });

  it('refuses a NATS with small payloads', async () => {
    await using small = await startNats({ extraConfig: 'max_payload: 65536\n' });
    await expect(open(small.url)).rejects.toMatchObject({ message: expect.stringContaining('max_payload') });
  });
});

describe('live', () => {
  it('shares one NATS subscription among all handlers of a subject and drops it with the last', async () => {
    const count = async (): Promise<number> => {
      const answer = await fetch(`${nats.monitorUrl}/subsz?subs=1&test=tv1.m.0.c.shared`);
      return ((await answer.json()) as { subscriptions_list?: unknown[] }).subscriptions_list?.length ?? 0;
    };
    const seen: string[] = [];
    const before = await count();
    const subs = [1, 2, 3].map((n) =>
      bus.live.subscribe('tv1.m.0.*.shared', (m) => seen.push(`${n}${text(m.data)}`)),
    );
    await bus.live.flush();
    expect(await count()).toBe(before + 1);
    bus.publisher.live('tv1.m.0.c.shared', bytes('x'));
    await waitFor(() => seen.length === 3);
    expect(seen).toEqual(['1x', '2x', '3x']);
    for (const sub of subs) sub.close();
    await bus.live.flush();
    expect(await count()).toBe(before);
  });

  it('goes on after a handler has thrown', async () => {
    const seen: string[] = [];
    const sub = bus.live.subscribe('tv1.m.0.*.throws', (m) => {
      seen.push(text(m.data));
      throw new Error('a defect');
    });
    await bus.live.flush();
    bus.publisher.live('tv1.m.0.c.throws', bytes('1'));
    bus.publisher.live('tv1.m.0.c.throws', bytes('2'));
    await waitFor(() => seen.length === 2);
    sub.close();
  });
});

describe('durable publish', () => {
  it('tells the position of each, in order', async () => {
    const positions = await publishMany(bus, 'tv1.m.1.c.order', 500);
    expect(positions).toEqual(positions.map((_, i) => positions[0]! + i));
    expect(await bus.lastPos('MESSAGES')).toBe(positions.at(-1));
  });

  it('knows a repeat by its Nats-Msg-Id', async () => {
    const headers = bytes('NATS/1.0\r\nNats-Msg-Id: a/1\r\n\r\n');
    const first = await bus.publisher.store('tv1.m.2.c.once', bytes('1'), headers);
    expect(first.duplicate).toBe(false);
    expect(await bus.publisher.store('tv1.m.2.c.once', bytes('1'), headers)).toEqual({
      pos: first.pos,
      duplicate: true,
    });
  });

  it('fails what no stream takes', async () => {
    await expect(bus.publisher.store('tv1.nothing.here', bytes('1'))).rejects.toMatchObject({
      code: 'bus.unavailable',
    });
  });

  it('refuses more than the limit of open publishes, as overloaded', async () => {
    const small = await connectBus({
      config: { url: nats.url, name: 'small', maxOpenPublishes: 2 },
      logger: quiet,
    });
    const results = await Promise.allSettled(
      [1, 2, 3].map(() => small.publisher.store('tv1.m.1.c.full', bytes('1'))),
    );
    expect(results.map((r) => r.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect((results[2] as PromiseRejectedResult).reason).toMatchObject({
      code: 'bus.overloaded',
      category: 'overloaded',
    });
    await small.close();
  });
});

describe('follow', () => {
  const collect = (on: Bus, after: number | 'end', options: object = {}) => {
    const seen: number[] = [];
    const lost: [number, number][] = [];
    const follower = on.follow({
      stream: 'MESSAGES',
      after,
      onMessage: (pos: number, _message: BusMessage) => void seen.push(pos),
      onLost: (from, first) => void lost.push([from, first]),
      ...options,
    });
    return { seen, lost, follower };
  };

  it('reads from a position, without a gap into what is stored meanwhile', async () => {
    const [first] = await publishMany(bus, 'tv1.m.1.c.follow', 1_000);
    const { seen, follower } = collect(bus, first! - 1);
    const rest = await publishMany(bus, 'tv1.m.1.c.follow', 1_000);
    await waitFor(() => follower.pos === rest.at(-1));
    expect(seen).toEqual(seen.map((_, i) => first! + i));
    expect(seen.length).toBe(2_000);
    follower.close();
  });

  it("from 'end' sees only what is stored after it is ready", async () => {
    await publishMany(bus, 'tv1.m.1.c.end', 3);
    const { seen, follower } = collect(bus, 'end');
    await follower.ready;
    const positions = await publishMany(bus, 'tv1.m.1.c.end', 3);
    await waitFor(() => seen.length === 3);
    expect(seen).toEqual(positions);
    follower.close();
  });

  it('goes on where it was after NATS was killed, and says what it may not promise meanwhile', async () => {
    await using server = await startNats();
    const own = await open(server.url);
    const { seen, follower } = collect(own, 0);
    await publishMany(own, 'tv1.m.1.c.kill', 100);
    await waitFor(() => seen.length === 100);
    const states: boolean[] = [];
    own.onState((up) => states.push(up));
    await server.kill();
    await waitFor(() => !own.up);
    expect(own.publisher.live('tv1.m.0.c.kill', bytes('x'))).toBe(false);
    await expect(own.publisher.store('tv1.m.1.c.kill', bytes('x'))).rejects.toMatchObject({
      category: 'retryable',
    });
    await expect(own.live.flush()).rejects.toMatchObject({ code: 'bus.unavailable' });
    await server.restart();
    await waitFor(() => own.up, { timeoutMs: 45_000 });
    const more = await publishMany(own, 'tv1.m.1.c.kill', 100);
    await waitFor(() => follower.pos === more.at(-1), { timeoutMs: 45_000 });
    expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(states).toEqual([false, true]);
    follower.close();
    await own.close();
  });

  it('fails what is open when NATS dies: unknown outcome, never silence', async () => {
    await using server = await startNats();
    const own = await open(server.url);
    const outcomes = { stored: 0, failed: 0 };
    const sink = { stored: () => void outcomes.stored++, failed: () => void outcomes.failed++ };
    for (let i = 0; i < 5_000; i++) own.publisher.durable('tv1.m.1.c.open', bytes('x'), undefined, sink, i);
    await new Promise((resolve) => setImmediate(resolve));
    await server.kill();
    await waitFor(() => outcomes.stored + outcomes.failed === 5_000);
    expect(own.publisher.open).toBe(0);
    await server.restart();
    await waitFor(() => own.up, { timeoutMs: 45_000 });
    expect(await own.lastPos('MESSAGES')).toBeGreaterThanOrEqual(outcomes.stored);
    await own.close();
  });

  it('knows when it has caught up, also when the newest messages are gone', async () => {
    const seen: number[] = [];
    const follower = bus.follow({ stream: 'RETAINED', after: 0, onMessage: (pos) => void seen.push(pos) });
    const end = await bus.lastPos('RETAINED');
    await bus.retain({
      tokens: 'catch.up',
      payload: bytes('x'),
      qos: 1,
      pos: 1,
      properties: { expiresAt: Date.now() + 5_000 },
    });
    await follower.caughtUp();
    expect(seen.at(-1)).toBe(end + 1);
    const late = bus.follow({ stream: 'RETAINED', after: end, onMessage: () => {} });
    await waitFor(async () => (await bus.read('RETAINED', end + 1)) === undefined, { timeoutMs: 45_000 });
    await late.caughtUp();
    const tooLate = bus.follow({ stream: 'RETAINED', after: end, onMessage: () => expect.unreachable() });
    await tooLate.caughtUp();
    for (const one of [follower, late, tooLate]) one.close();
  });

  it('reports what retention took', async () => {
    await using server = await startNats();
    const own = await connectBus({
      config: { url: server.url, name: 'small', retentionMaxBytes: 20_000 },
      logger: quiet,
    });
    await publishMany(own, 'tv1.m.1.c.drop', 1_000);
    const { seen, lost, follower } = collect(own, 0);
    await waitFor(() => follower.pos === 1_000);
    expect(lost).toEqual([[0, seen[0]]]);
    expect(seen[0]).toBeGreaterThan(1);
    follower.close();
    await own.close();
  });

  it('leaves the publisher unacknowledged when full, where the site wants that', async () => {
    await using server = await startNats();
    const own = await connectBus({
      config: { url: server.url, name: 'full', retentionMaxBytes: 20_000, retentionFull: 'refuse' },
      logger: quiet,
    });
    await expect(publishMany(own, 'tv1.m.1.c.full', 1_000)).rejects.toThrow('bus.refused');
    await own.close();
  });
});

describe('retain', () => {
  const read = async (tokens: string): Promise<string | undefined> => {
    const found: string[] = [];
    const follower = bus.follow({
      stream: 'RETAINED',
      after: 0,
      onMessage: (_pos, m) => {
        if (m.subject === `tv1.r.${tokens}`) found.push(`${m.headers?.get('Tv-Pos')} ${text(m.data)}`);
      },
    });
    await follower.caughtUp();
    follower.close();
    return found.at(-1);
  };
  const record = (tokens: string, pos: number) => ({
    tokens,
    payload: bytes(`p${pos}`),
    qos: 1 as const,
    pos,
  });

  it('ends at the highest position, whoever writes in whatever order (rule 5)', async () => {
    const other = await open(nats.url);
    const order = Array.from({ length: 100 }, (_, i) => 1_000 + ((i * 37) % 100));
    await Promise.all(order.map((pos, i) => (i % 2 === 0 ? bus : other).retain(record('r.race', pos))));
    expect(await read('r.race')).toBe('1099 p1099');
    await other.retain(record('r.race', 5));
    expect(await read('r.race')).toBe('1099 p1099');
    await other.close();
  });

  it('many of one topic at once, from both doors: all are answered, and few are written', async () => {
    const other = await open(nats.url);
    const before = bus.stats.durablePublished;
    await Promise.all(
      Array.from({ length: 2_000 }, (_, i) => (i % 2 === 0 ? bus : other).retain(record('r.many', i + 1))),
    );
    expect(await read('r.many')).toBe('2000 p2000');
    expect(bus.stats.durablePublished - before).toBeLessThan(20);
    await other.close();
  });

  it('cleared stays cleared for what is older', async () => {
    await bus.retain(record('r.clear', 10));
    await bus.retain({ ...record('r.clear', 12), payload: new Uint8Array(0) });
    const other = await open(nats.url);
    await other.retain(record('r.clear', 11));
    expect(await read('r.clear')).toBe('12 ');
    await other.retain(record('r.clear', 13));
    expect(await read('r.clear')).toBe('13 p13');
    await other.close();
  });

  it('an expiring record is gone at its time', async () => {
    await bus.retain({ ...record('r.expire', 10), properties: { expiresAt: Date.now() + 5_000 } });
    expect(await read('r.expire')).toBe('10 p10');
    await waitFor(async () => (await read('r.expire')) === undefined, { timeoutMs: 45_000, intervalMs: 200 });
  });
});

describe('request and serve', () => {
  it('answers, and tells refusals apart', async () => {
    const served = bus.serve('tv1.d.0.*', (message) => {
      if (text(message.data) === 'bad') throw new Error('a defect');
      return bytes(`echo ${text(message.data)}`);
    });
    await bus.live.flush();
    const answer = await bus.request('tv1.d.0.x', bytes('hi'), { timeoutMs: 20_000 });
    expect(text(answer.data)).toBe('echo hi');
    await expect(bus.request('tv1.d.0.x', bytes('bad'), { timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'defect',
    });
    served.close();
    await bus.live.flush();
    await expect(bus.request('tv1.d.0.x', bytes('hi'), { timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'bus.no-responders',
    });
  });

  it('a question or an answer that is too large for NATS is refused, and nothing breaks', async () => {
    const large = new Uint8Array((8 << 20) + 1);
    const served = bus.serve('tv1.d.1.*', ({ data }) =>
      Promise.resolve(data.length > 0 ? large : bytes('ok')),
    );
    await bus.live.flush();
    for (const question of [large, bytes('x')])
      await expect(bus.request('tv1.d.1.x', question, { timeoutMs: 20_000 })).rejects.toMatchObject({
        code: 'payload.too-large',
      });
    const answer = await bus.request('tv1.d.1.x', bytes(''), { timeoutMs: 20_000 });
    expect(text(answer.data)).toBe('ok');
    served.close();
  });
});
