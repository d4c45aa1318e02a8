import { connectBus, type Bus, type Logger } from '@trivium/bus';
import { messageSubject, parseFilter, parseTopic, topicToTokens, type QoS } from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDelivery } from './delivery.ts';
import type { Attachment, Delivery, Receiver, Subscription } from './receiver.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

let nats: NatsServer;
let publisher: Bus;
let bus: Bus;
let delivery: Delivery;
beforeAll(async () => {
  nats = await startNats();
  [publisher, bus] = await Promise.all(
    ['other door', 'door'].map((name) => connectBus({ config: { url: nats.url, name }, logger: quiet })) as [
      Promise<Bus>,
      Promise<Bus>,
    ],
  );
  delivery = createDelivery({ bus, logger: quiet });
});
afterAll(async () => {
  delivery.close();
  await Promise.all([publisher.close(), bus.close()]);
  await nats.stop();
});

function sub(filter: string, qos: QoS = 1): Subscription {
  const parsed = parseFilter(filter);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return { filter: parsed.value, qos };
}

function subject(topic: string, qos: QoS): string {
  const parsed = parseTopic(topic);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return messageSubject(qos, 'pub', topicToTokens(parsed.value));
}

let run = 0;
let root = '';
beforeEach(() => {
  root = `t${++run}`;
});

/** Publishes with a QoS: 0 by core, else stored; resolves with the position, or after a flush for QoS 0. */
async function publish(topic: string, payload: string, qos: QoS = 1): Promise<number> {
  if (qos > 0) return (await publisher.publisher.store(subject(topic, qos), bytes(payload))).pos;
  publisher.publisher.live(subject(topic, 0), bytes(payload));
  return 0;
}

interface Probe extends Receiver {
  seen: string[];
  attachment: Attachment;
  room: number;
  lost: [number, number][];
}

function receiver(options: { after?: number; room?: number } = {}): Probe {
  const probe: Probe = {
    id: 'c',
    seen: [],
    room: options.room ?? Infinity,
    lost: [],
    onLive(message, by) {
      probe.seen.push(`${message.topic} ${text(message.payload)} live q${message.qos} by ${by.filter}`);
    },
    onDurable(message, by) {
      if (probe.room <= 0) return false;
      probe.room--;
      probe.seen.push(`${message.topic} ${text(message.payload)} log q${message.qos} by ${by.filter}`);
      return true;
    },
    onLost: (from, first) => void probe.lost.push([from, first]),
    attachment: undefined as unknown as Attachment,
  };
  probe.attachment = delivery.attach(probe, options.after === undefined ? {} : { after: options.after });
  return probe;
}

const payloads = (probe: Probe): string[] => probe.seen.map((line) => line.split(' ')[1]!);
const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i));

describe('one copy by one path (rule 6)', () => {
  it('a filter granted 0 gets every QoS by core', async () => {
    const c = receiver();
    await c.attachment.subscribe([sub(`${root}/a`, 0)]);
    await publish(`${root}/a`, '0', 0);
    await publish(`${root}/a`, '1', 1);
    await publish(`${root}/a`, '2', 2);
    await waitFor(() => c.seen.length === 3);
    expect(c.seen).toEqual([0, 1, 2].map((q) => `${root}/a ${q} live q${q} by ${root}/a`));
    c.attachment.detach();
  });

  it('a filter granted 1 gets QoS 0 by core and the rest from the log', async () => {
    const c = receiver();
    await c.attachment.subscribe([sub(`${root}/a`, 1)]);
    await publish(`${root}/a`, '0', 0);
    await publish(`${root}/a`, '1', 1);
    await publish(`${root}/a`, '2', 2);
    await waitFor(() => c.seen.length === 3);
    expect(c.seen.sort()).toEqual([
      `${root}/a 0 live q0 by ${root}/a`,
      `${root}/a 1 log q1 by ${root}/a`,
      `${root}/a 2 log q2 by ${root}/a`,
    ]);
    c.attachment.detach();
  });

  it('overlapping filters give one copy, by the one with the highest QoS [MQTT3-3.3.5-1] [MQTT-3.3.4-2]', async () => {
    const c = receiver();
    await c.attachment.subscribe([sub(`${root}/#`, 0), sub(`${root}/+`, 1), sub(`${root}/a`, 0)]);
    for (const qos of [0, 1, 2] as const) await publish(`${root}/a`, String(qos), qos);
    await publish(`${root}/end/x`, 'end', 0);
    await waitFor(() => c.seen.length === 4);
    expect(c.seen.sort()).toEqual([
      `${root}/a 0 live q0 by ${root}/+`,
      `${root}/a 1 log q1 by ${root}/+`,
      `${root}/a 2 log q2 by ${root}/+`,
      `${root}/end/x end live q0 by ${root}/#`,
    ]);
    c.attachment.detach();
  });

  it('# takes its parent level too and no $ topic [MQTT3-4.7.1-2] [MQTT3-4.7.2-1] [MQTT-4.7.1-1] [MQTT-4.7.2-1]', async () => {
    const c = receiver();
    await c.attachment.subscribe([sub('#', 1), sub(`${root}/#`, 0)]);
    await publish(`$${root}/a`, 'hidden', 0);
    await publish(`$${root}/a`, 'hidden', 1);
    await publish(root, 'parent', 0);
    await publish(root, 'stored', 1);
    await waitFor(() => c.seen.length >= 2);
    expect(payloads(c).sort()).toEqual(['parent', 'stored']);
    c.attachment.detach();
  });
});

describe('subscribe', () => {
  it('is active when it resolves, and leaves what was stored before', async () => {
    await publish(`${root}/a`, 'before');
    const c = receiver();
    await c.attachment.subscribe([sub(`${root}/a`)]);
    await publish(`${root}/a`, 'after');
    await waitFor(() => c.seen.length === 1);
    expect(payloads(c)).toEqual(['after']);
    c.attachment.detach();
  });

  it('unsubscribe is gone when it returns', async () => {
    const c = receiver();
    await c.attachment.subscribe([sub(`${root}/a`), sub(`${root}/b`, 0)]);
    expect(c.attachment.unsubscribe([sub(`${root}/a`).filter, sub(`${root}/none`).filter])).toEqual([
      true,
      false,
    ]);
    await publish(`${root}/a`, 'gone');
    await publish(`${root}/b`, 'kept');
    await waitFor(() => c.seen.length === 1);
    expect(payloads(c)).toEqual(['kept']);
    c.attachment.detach();
    expect(delivery.stats.filters).toBe(0);
  });

  it('goes from QoS 0 to 1 without a gap under traffic; messages at the seam may come twice, never first out of order [MQTT3-3.8.4-3] [MQTT-3.8.4-3]', async () => {
    const c = receiver();
    const filter = `${root}/a`;
    await c.attachment.subscribe([sub(filter, 0)]);
    let sent = 0;
    let stop = false;
    const traffic = (async () => {
      while (!stop) await publish(filter, String(sent++));
    })();
    await waitFor(() => c.seen.length > 20);
    await c.attachment.subscribe([sub(filter, 1)]);
    const upgradedAt = c.seen.length;
    await waitFor(() => c.seen.length > upgradedAt + 20);
    stop = true;
    await traffic;
    await waitFor(() => payloads(c).at(-1) === String(sent - 1));
    const first = [...new Set(payloads(c))];
    expect(first).toEqual(numbers(0, sent));
    expect(c.seen.length - first.length).toBeLessThan(10);
    c.attachment.detach();
  });

  it('rejects when the bus is away and changes nothing', async () => {
    await using server = await startNats();
    const own = await connectBus({ config: { url: server.url, name: 'door' }, logger: quiet });
    const door = createDelivery({ bus: own, logger: quiet });
    const attachment = door.attach({ id: 'c', onLive: () => {}, onDurable: () => true });
    await server.kill();
    await waitFor(() => !own.up);
    await expect(attachment.subscribe([sub('a')])).rejects.toMatchObject({ category: 'retryable' });
    expect([...attachment.subscriptions]).toEqual([]);
    door.close();
    await own.close();
  });
});

describe('catching up', () => {
  it('resumes from a position: the log first, then live, nothing twice', async () => {
    const start = await publish(`${root}/a`, 'old');
    for (const n of numbers(0, 50)) await publish(`${root}/a`, n);
    const c = receiver({ after: start });
    const more = (async () => {
      for (const n of numbers(50, 100)) await publish(`${root}/a`, n);
    })();
    await c.attachment.subscribe([sub(`${root}/+`)]);
    await more;
    await waitFor(() => c.seen.length >= 100);
    expect(payloads(c)).toEqual(numbers(0, 100));
    expect(c.attachment.live).toBe(true);
    c.attachment.detach();
  });

  it('a filter added with an older position replays for itself alone', async () => {
    const start = await publish(`${root}/a`, 'old');
    await publish(`${root}/a`, 'a1');
    await publish(`${root}/b`, 'b1');
    const c = receiver();
    await c.attachment.subscribe([sub(`${root}/a`)]);
    await publish(`${root}/a`, 'a2');
    await waitFor(() => c.seen.length === 1);
    await c.attachment.subscribe([sub(`${root}/b`)], { after: start });
    await waitFor(() => c.seen.length === 2);
    await publish(`${root}/a`, 'a3');
    await waitFor(() => c.seen.length === 3);
    expect(payloads(c)).toEqual(['a2', 'b1', 'a3']);
    c.attachment.detach();
  });

  it('a receiver without room leaves the feed and goes on where it stopped, in order, while others are not held up', async () => {
    const slow = receiver({ room: 10 });
    const fast = receiver();
    await Promise.all([slow, fast].map((c) => c.attachment.subscribe([sub(`${root}/#`)])));
    for (const n of numbers(0, 100)) await publish(`${root}/a`, n);
    await waitFor(() => fast.seen.length === 100);
    expect(slow.seen.length).toBe(10);
    expect(slow.attachment.live).toBe(false);
    while (slow.seen.length < 100) {
      const had = slow.seen.length;
      slow.room = 7;
      slow.attachment.resume();
      await waitFor(() => slow.seen.length > had);
    }
    await publish(`${root}/a`, 'last');
    slow.room = 1;
    slow.attachment.resume();
    await waitFor(() => slow.seen.length === 101);
    expect(payloads(slow)).toEqual([...numbers(0, 100), 'last']);
    for (const c of [slow, fast]) c.attachment.detach();
  });

  it('many sessions at random positions join under traffic: no gap, no repeat, in order', async () => {
    const positions: number[] = [];
    for (const n of numbers(0, 300)) positions.push(await publish(`${root}/a`, n));
    let sent = 300;
    let stop = false;
    const traffic = (async () => {
      while (!stop) await publish(`${root}/a`, String(sent++));
    })();
    const sessions = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const at = (i * 97) % 300;
        const c = receiver({ after: positions[at]!, room: 5 + (i % 50) });
        await c.attachment.subscribe([sub(`${root}/#`)]);
        return { c, from: at + 1 };
      }),
    );
    const keepReading = setInterval(() => {
      for (const { c } of sessions) {
        c.room = 60;
        c.attachment.resume();
      }
    }, 5);
    await waitFor(() => sessions.every(({ c }) => c.seen.length > 250), { timeoutMs: 45_000 });
    stop = true;
    await traffic;
    await waitFor(() => sessions.every(({ c }) => payloads(c).at(-1) === String(sent - 1)), {
      timeoutMs: 45_000,
    });
    clearInterval(keepReading);
    for (const { c, from } of sessions) {
      expect(payloads(c)).toEqual(numbers(from, sent));
      c.attachment.detach();
    }
  });

  it('goes on after NATS was killed under way', async () => {
    await using server = await startNats();
    const own = await connectBus({ config: { url: server.url, name: 'door' }, logger: quiet });
    const door = createDelivery({ bus: own, logger: quiet });
    const seen: string[] = [];
    const attachment = door.attach({
      id: 'c',
      onLive: (m) => void seen.push(`live ${text(m.payload)}`),
      onDurable(m) {
        seen.push(text(m.payload));
        return true;
      },
    });
    await attachment.subscribe([sub('k/#')]);
    const store = (n: number) => own.publisher.store(subject('k/a', 1), bytes(String(n)));
    for (let n = 0; n < 20; n++) await store(n);
    await server.kill();
    await server.restart();
    await waitFor(() => own.up, { timeoutMs: 45_000 });
    for (let n = 20; n < 40; n++) await store(n);
    own.publisher.live(subject('k/a', 0), bytes('0'));
    await waitFor(() => seen.length === 41, { timeoutMs: 45_000 });
    expect(seen.filter((line) => !line.startsWith('live'))).toEqual(numbers(0, 40));
    attachment.detach();
    door.close();
    await own.close();
  });

  it('says what retention took from a session', async () => {
    await using server = await startNats();
    const own = await connectBus({
      config: { url: server.url, name: 'small', retentionMaxBytes: 20_000 },
      logger: quiet,
    });
    const door = createDelivery({ bus: own, logger: quiet });
    for (let n = 0; n < 1_000; n++) await own.publisher.store(subject('r/a', 1), bytes(String(n)));
    const lost: [number, number][] = [];
    const seen: string[] = [];
    const attachment = door.attach(
      {
        id: 'c',
        onLive: () => {},
        onDurable(m) {
          seen.push(text(m.payload));
          return true;
        },
        onLost: (from, first) => void lost.push([from, first]),
      },
      { after: 3 },
    );
    await attachment.subscribe([sub('r/#')]);
    await waitFor(() => seen.at(-1) === '999');
    expect(lost).toEqual([[3, 1_000 - seen.length + 1]]);
    expect(door.stats.lostToRetention).toBe(1_000 - seen.length - 3);
    attachment.detach();
    door.close();
    await own.close();
  });
});
