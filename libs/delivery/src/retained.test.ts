import { connectBus, type Bus, type Logger } from '@trivium/bus';
import {
  encodeHeaders,
  messageSubject,
  parseFilter,
  parseTopic,
  retainedSubject,
  topicToTokens,
  type QoS,
} from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDelivery } from './delivery.ts';
import type { Attachment, Delivery, Subscription } from './receiver.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

let nats: NatsServer;
let other: Bus;
let bus: Bus;
let delivery: Delivery;
beforeAll(async () => {
  nats = await startNats();
  other = await connectBus({ config: { url: nats.url, name: 'other door' }, logger: quiet });
  bus = await connectBus({ config: { url: nats.url, name: 'door' }, logger: quiet });
  delivery = createDelivery({ bus, logger: quiet });
});
afterAll(async () => {
  delivery.close();
  await Promise.all([other.close(), bus.close()]);
  await nats.stop();
});

let run = 0;
let root = '';
beforeEach(() => {
  root = `r${++run}`;
});

/** As a door does it: the log first, then the record. */
async function retain(topic: string, payload: string, qos: QoS = 1): Promise<number> {
  const parsed = parseTopic(topic);
  if (!parsed.ok) throw new Error(parsed.error.message);
  const tokens = topicToTokens(parsed.value);
  const live = encodeHeaders({ retain: true, ...(qos === 0 ? { qosBelowSubject: 0 } : {}) });
  const { pos } = await other.publisher.store(
    messageSubject(qos === 2 ? 2 : 1, 'pub', tokens),
    bytes(payload),
    live,
  );
  await other.retain({ tokens, payload: bytes(payload), qos, client: 'pub', pos });
  return pos;
}

function sub(filter: string, qos: QoS = 1): Subscription {
  const parsed = parseFilter(filter);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return { filter: parsed.value, qos, sendRetained: true };
}

function client(room = Infinity) {
  const probe = { seen: [] as string[], room, attachment: undefined as unknown as Attachment };
  const take = (line: string): boolean => {
    if (probe.room <= 0) return false;
    probe.room--;
    probe.seen.push(line);
    return true;
  };
  probe.attachment = delivery.attach({
    id: 'c',
    onLive: (m) => void take(`live ${m.topic} ${text(m.payload)}`),
    onDurable: (m) => take(`log q${m.qos} ${m.topic} ${text(m.payload)}`),
    onRetained: (m) => take(`retained q${m.qos} ${m.topic} ${text(m.payload)} from ${m.client}`),
  });
  return probe;
}

describe('retained', () => {
  it('a new subscription gets the last message of each topic that matches, whatever door it came by [MQTT3-3.3.1-6] [MQTT-3.3.1-9]', async () => {
    await retain(`${root}/a`, 'old');
    await retain(`${root}/a`, 'new', 2);
    await retain(`${root}/b`, 'zero', 0);
    await retain(`$${root}/x`, 'hidden');
    await retain(`${root}/gone`, 'x');
    await retain(`${root}/gone`, '');
    const c = client();
    await c.attachment.subscribe([sub(`${root}/#`)]);
    await waitFor(() => c.seen.length >= 2);
    await retain(`${root}/end`, 'end');
    await waitFor(() => c.seen.length >= 3);
    expect(c.seen.sort()).toEqual([
      `log q1 ${root}/end end`,
      `retained q0 ${root}/b zero from pub`,
      `retained q2 ${root}/a new from pub`,
    ]);
    c.attachment.detach();
  });

  it('a record that is written a second time, by a router after its door, is sent once', async () => {
    const pos = await retain(`${root}/a`, 'once');
    const c = client();
    await c.attachment.subscribe([sub(`${root}/a`)]);
    await waitFor(() => c.seen.length === 1);
    const headers = encodeHeaders({ client: 'pub', qosBelowSubject: 1, pos });
    await other.publisher.store(retainedSubject(`${root}.a`), bytes('once'), headers);
    const next = client();
    await next.attachment.subscribe([sub(`${root}/a`)]);
    await waitFor(() => next.seen.length === 1);
    await retain(`${root}/a`, 'end');
    await waitFor(() => c.seen.length >= 2 && next.seen.length >= 2);
    const once = `retained q1 ${root}/a once from pub`;
    expect([c.seen, next.seen]).toEqual([
      [once, `log q1 ${root}/a end`],
      [once, `log q1 ${root}/a end`],
    ]);
    for (const { attachment } of [c, next]) attachment.detach();
  });

  it('a newer copy in the log whose record was never written does not hide the one that was', async () => {
    const early = client();
    await early.attachment.subscribe([sub(`${root}/a`)]);
    await retain(`${root}/a`, 'recorded');
    const tokens = `${root}.a`;
    const headers = encodeHeaders({ retain: true });
    await other.publisher.store(messageSubject(1, 'pub', tokens), bytes('left by a door that died'), headers);
    await waitFor(() => early.seen.length === 2);
    const late = client();
    await late.attachment.subscribe([sub(`${root}/a`)]);
    await waitFor(() => late.seen.length === 1);
    expect(late.seen).toEqual([`retained q1 ${root}/a recorded from pub`]);
    early.attachment.detach();
    late.attachment.detach();
  });

  it('subscribing again sends them again; without asking there are none [MQTT3-3.8.4-3] [MQTT-3.8.4-3]', async () => {
    const c = client();
    await c.attachment.subscribe([sub(`${root}/a`)]);
    await retain(`${root}/a`, '1');
    await waitFor(() => c.seen.length === 1);
    await c.attachment.subscribe([sub(`${root}/a`)]);
    await waitFor(() => c.seen.length === 2);
    await c.attachment.subscribe([{ ...sub(`${root}/a`), sendRetained: false }]);
    await retain(`${root}/a`, '2');
    await waitFor(() => c.seen.length === 3);
    expect(c.seen).toEqual([`log q1 ${root}/a 1`, `retained q1 ${root}/a 1 from pub`, `log q1 ${root}/a 2`]);
    c.attachment.detach();
  });

  it('under traffic a subscriber sees values rise from the snapshot on, none twice, and every one from its first of the log', async () => {
    let sent = 0;
    let stop = false;
    const traffic = (async () => {
      while (!stop) await retain(`${root}/a`, String(sent++));
    })();
    const clients: ReturnType<typeof client>[] = [];
    for (let i = 0; i < 30; i++) {
      const c = client();
      await c.attachment.subscribe([sub(i % 2 === 0 ? `${root}/a` : `${root}/+`)]);
      clients.push(c);
    }
    await waitFor(() => clients.every((c) => c.seen.length > 3));
    stop = true;
    await traffic;
    const last = (c: { seen: string[] }): number => Number(c.seen.at(-1)?.split(' ')[3]);
    await waitFor(() => clients.every((c) => last(c) === sent - 1));
    for (const c of clients) {
      const values = c.seen.map((line) => Number(line.split(' ')[3]));
      expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
      const logged = c.seen
        .filter((line) => line.startsWith('log'))
        .map((line) => Number(line.split(' ')[3]));
      expect(logged).toEqual(logged.map((_, i) => logged[0]! + i));
      c.attachment.detach();
    }
  });

  it('many of them go out in the pace of the receiver, and the newest wins meanwhile', async () => {
    await Promise.all(Array.from({ length: 1_200 }, (_, i) => retain(`${root}/${i}`, 'v')));
    const c = client(10);
    await c.attachment.subscribe([sub(`${root}/+`)]);
    await waitFor(() => c.seen.length === 10);
    await retain(`${root}/1199`, 'newer');
    while (c.seen.length < 1_200) {
      const had = c.seen.length;
      c.room = 700;
      c.attachment.resume();
      await waitFor(() => c.seen.length > had);
    }
    expect(c.seen.length).toBe(1_200);
    expect(c.seen.filter((line) => line.includes('/1199 '))).toEqual([`log q1 ${root}/1199 newer`]);
    c.attachment.detach();
  });

  it('100,000 and a # subscription: nobody waits', async () => {
    await using server = await startNats();
    const own = await connectBus({
      config: { url: server.url, name: 'door', maxOpenPublishes: 200_000 },
      logger: quiet,
    });
    const door = createDelivery({ bus: own, logger: quiet });
    const payload = bytes('x'.repeat(50));
    // In portions: what a busy machine takes longer than the publish timeout for would fail.
    for (let first = 0; first < 100_000; first += 4_000)
      await Promise.all(
        Array.from({ length: 4_000 }, (_, i) =>
          own.retain({ tokens: `many.${first >> 8}.${first + i}`, payload, qos: 1, pos: first + i + 1 }),
        ),
      );
    let count = 0;
    const attachment = door.attach({
      id: 'c',
      onLive: () => {},
      onDurable: () => true,
      onRetained: () => ++count > 0,
    });
    const literal = door.attach({ id: 'd', onLive: () => {}, onDurable: () => true });
    await attachment.subscribe([sub('warm/up')]);
    // By the processor's clock: what a busy machine gives to others is no stall of ours.
    const usedMs = (): number => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000;
    };
    let longest = 0;
    let turns = 0;
    let before = usedMs();
    const watch = setInterval(() => {
      turns++;
      longest = Math.max(longest, usedMs() - before);
      before = usedMs();
    }, 1);
    await attachment.subscribe([{ ...sub('#', 0) }]);
    await waitFor(() => count === 100_000, { timeoutMs: 45_000 });
    clearInterval(watch);
    expect(longest).toBeLessThan(400);
    expect(turns).toBeGreaterThan(20);
    attachment.detach();
    literal.detach();
    door.close();
    await own.close();
  });
});
