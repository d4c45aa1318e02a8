import type { Bus } from '@trivium/bus';
import {
  decodeJson,
  parseShare,
  shareKey,
  ShareRecord,
  type QoS,
  type TopicFilter,
} from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDelivery } from './delivery.ts';
import type { Handover } from './handover.ts';
import { bytes, numbers, openBus, quiet, store, subject, text } from './probe.fixture.ts';
import type { Attachment, Delivery, Receiver, Subscription } from './receiver.ts';

let nats: NatsServer;
let doors: { bus: Bus; delivery: Delivery }[];
let root = '';
let run = 0;
beforeAll(async () => {
  nats = await startNats();
  const buses = await Promise.all([openBus(nats.url), openBus(nats.url)]);
  doors = buses.map((bus) => ({ bus, delivery: createDelivery({ bus, logger: quiet }) }));
});
afterAll(async () => {
  for (const { delivery } of doors) delivery.close();
  await Promise.all(doors.map(({ bus }) => bus.close()));
  await nats.stop();
});
beforeEach(() => {
  root = `s${++run}`;
});

function share(filter: string, qos: QoS = 1, group = 'g'): Subscription {
  const raw = `$share/${group}/${filter}`;
  const parsed = parseShare(raw);
  if (!parsed.ok || parsed.value === undefined) throw new Error(raw);
  return { filter: raw as TopicFilter, qos, share: parsed.value };
}

interface Worker extends Receiver {
  readonly seen: string[];
  /** What it has and is not done with. */
  readonly inHand: Handover[];
  /** Whether it is done with what comes at once. */
  quick: boolean;
  room: number;
  attachment: Attachment;
}

function worker(
  at: number,
  id: string,
  options: { quick?: boolean; room?: number; tie?: string } = {},
): Worker {
  const { quick = true, room = Infinity, tie = id } = options;
  const made: Worker = {
    ...{ id, quick, room, seen: [], inHand: [] },
    onLive: () => undefined,
    onDurable: () => true,
    onShared(message, _sub, handover) {
      if (made.room <= 0) return false;
      made.room--;
      made.seen.push(text(message.payload));
      if (handover === undefined) return true;
      if (made.quick) handover.done();
      else made.inHand.push(handover);
      return true;
    },
    attachment: undefined as unknown as Attachment,
  };
  made.attachment = doors[at]!.delivery.attach(made, { tie });
  return made;
}

async function record(filter: string): Promise<ShareRecord | undefined> {
  const found = await doors[0]!.bus.bucket('shares').get(shareKey(share(filter).share!));
  const read = found && decodeJson(ShareRecord, found.value);
  return read?.ok ? read.value : undefined;
}

const publish = (from: number, to: number, topic = `${root}/a`): Promise<number[]> =>
  store(
    doors[0]!.bus,
    numbers(from, to).map((payload) => ({ topic, payload })),
  );
const all = (...workers: Worker[]): string[] => workers.flatMap(({ seen }) => seen).sort();
const sorted = (from: number, to: number): string[] => numbers(from, to).sort();

test('each message goes to one member of the group, at whatever door, in order', async () => {
  const workers = [worker(0, 'w1'), worker(0, 'w2'), worker(1, 'w3')];
  for (const { attachment } of workers) await attachment.subscribe([share(`${root}/#`)]);
  const other = worker(1, 'other');
  await other.attachment.subscribe([share(`${root}/#`, 1, 'another')]);
  await publish(100, 400);
  await waitFor(() => all(...workers).length >= 300 && other.seen.length >= 300);
  expect(all(...workers)).toEqual(numbers(100, 400));
  expect(other.seen).toEqual(numbers(100, 400));
  for (const { seen } of workers) {
    expect(seen.length).toBeGreaterThan(20);
    expect(seen).toEqual([...seen].sort());
  }
  for (const one of [...workers, other]) one.attachment.detach();
});

test('QoS 0 messages go to one member too', async () => {
  const workers = [worker(0, 'w1'), worker(0, 'w2'), worker(1, 'w3')];
  for (const { attachment } of workers) await attachment.subscribe([share(`${root}/+`)]);
  for (const payload of numbers(100, 400))
    doors[0]!.bus.publisher.live(subject(`${root}/a`, 0), bytes(payload));
  await waitFor(() => all(...workers).length >= 300);
  expect(all(...workers)).toEqual(numbers(100, 400));
  for (const { seen, attachment } of workers) {
    expect(seen.length).toBeGreaterThan(20);
    attachment.detach();
  }
});

test('what a member did not finish goes to another one when it is gone', async () => {
  const lazy = worker(0, 'lazy', { quick: false });
  await lazy.attachment.subscribe([share(`${root}/a`)]);
  await publish(100, 150);
  await waitFor(() => lazy.seen.length === 50);
  for (const handover of lazy.inHand.slice(0, 10)) handover.done();
  const heir = worker(1, 'heir');
  await heir.attachment.subscribe([share(`${root}/a`)]);
  lazy.attachment.detach();
  await waitFor(() => heir.seen.length >= 40);
  expect(all(heir)).toEqual(sorted(110, 150));
  heir.attachment.detach();
});

test('what waits for a member without room goes to others, and it gets more when it has room', async () => {
  const small = worker(0, 'small', { room: 3 });
  await small.attachment.subscribe([share(`${root}/a`)]);
  await publish(100, 200);
  await waitFor(() => small.seen.length === 3);
  small.room = 50;
  small.attachment.resume();
  await waitFor(() => small.seen.length === 53);
  const large = worker(0, 'large');
  await large.attachment.subscribe([share(`${root}/a`)]);
  await waitFor(() => all(small, large).length === 100);
  expect(all(small, large)).toEqual(numbers(100, 200));
  for (const one of [small, large]) one.attachment.detach();
});

test('a share begins with its first member and ends with its last one', async () => {
  await publish(100, 110);
  const first = worker(0, 'first');
  await first.attachment.subscribe([share(`${root}/a`)]);
  const { consumer } = (await record(`${root}/a`))!;
  const second = worker(1, 'second');
  await second.attachment.subscribe([share(`${root}/a`)]);
  expect((await record(`${root}/a`))!.members).toEqual({ first: 'first', second: 'second' });
  expect(second.attachment.unsubscribe([share(`${root}/a`).filter])).toEqual([true]);
  expect(second.attachment.unsubscribe([share(`${root}/a`).filter])).toEqual([false]);
  await publish(110, 120);
  await waitFor(() => first.seen.length === 10);
  first.attachment.detach();
  await waitFor(async () => (await record(`${root}/a`)) === undefined);
  await waitFor(async () => (await doors[0]!.bus.shared.list(consumer)).length === 0);
  await publish(120, 130);
  const third = worker(1, 'third');
  await third.attachment.subscribe([share(`${root}/a`)]);
  await publish(130, 140);
  await waitFor(() => third.seen.length >= 10);
  // What was on its way to the door of the second one, when that left, comes after the others.
  expect([first.seen.sort(), second.seen, third.seen]).toEqual([numbers(110, 120), [], numbers(130, 140)]);
  third.attachment.detach();
});

test('a session that stays is a member while its client is away: what comes then waits for the share', async () => {
  const before = worker(0, 'sleeper', { tie: '' });
  await before.attachment.subscribe([share(`${root}/a`)]);
  before.attachment.detach({ stays: true });
  await publish(100, 130);
  const after = worker(1, 'sleeper', { tie: '' });
  await after.attachment.subscribe([share(`${root}/a`)]);
  await waitFor(() => after.seen.length >= 30);
  expect(after.seen).toEqual(numbers(100, 130));
  after.attachment.detach();
});

test('a message that an unsubscribed client has in its hands stays with it', async () => {
  const leaver = worker(0, 'leaver', { quick: false });
  const stayer = worker(1, 'stayer', { room: 0 });
  await leaver.attachment.subscribe([share(`${root}/a`)]);
  await publish(100, 101);
  await waitFor(() => leaver.inHand.length === 1);
  await stayer.attachment.subscribe([share(`${root}/a`)]);
  leaver.attachment.unsubscribe([share(`${root}/a`).filter]);
  stayer.room = Infinity;
  stayer.attachment.resume();
  await publish(101, 102);
  await waitFor(() => stayer.seen.length === 1);
  leaver.inHand[0]!.done();
  leaver.attachment.detach();
  expect(stayer.seen).toEqual(['101']);
  stayer.attachment.detach();
});

test('what an unsubscribed client has in its hands goes to another member when it is gone', async () => {
  const leaver = worker(0, 'leaver', { quick: false });
  const stayer = worker(1, 'stayer', { room: 0 });
  await leaver.attachment.subscribe([share(`${root}/a`)]);
  await publish(100, 101);
  await waitFor(() => leaver.inHand.length === 1);
  await stayer.attachment.subscribe([share(`${root}/a`)]);
  leaver.attachment.unsubscribe([share(`${root}/a`).filter]);
  stayer.room = Infinity;
  stayer.attachment.resume();
  leaver.attachment.detach();
  await waitFor(() => stayer.seen.length === 1);
  expect(stayer.seen).toEqual(['100']);
  stayer.attachment.detach();
});

test('a slow member keeps what it has for longer than a dead one would', async () => {
  const slow = worker(0, 'slow', { quick: false });
  const idle = worker(1, 'idle', { room: 0 });
  await slow.attachment.subscribe([share(`${root}/a`)]);
  await publish(100, 101);
  await waitFor(() => slow.inHand.length === 1);
  await idle.attachment.subscribe([share(`${root}/a`)]);
  idle.room = Infinity;
  idle.attachment.resume();
  // Beyond the time after which NATS would hand it on (SHARED_ACK_WAIT_MS).
  const until = performance.now() + 13_000;
  await waitFor(() => performance.now() > until, { timeoutMs: 30_000 });
  expect(idle.seen).toEqual([]);
  slow.inHand[0]!.done();
  for (const one of [slow, idle]) one.attachment.detach();
});

test('members at one door that come and go by the hundred end as one record', async () => {
  const workers = Array.from({ length: 200 }, (_, i) => worker(i % 2, `w${i}`));
  await Promise.all(workers.map(({ attachment }) => attachment.subscribe([share(`${root}/a`)])));
  expect(Object.keys((await record(`${root}/a`))!.members)).toHaveLength(200);
  await publish(1000, 1400);
  await waitFor(() => all(...workers).length >= 400);
  expect(all(...workers)).toEqual(numbers(1000, 1400));
  for (const { attachment } of workers) attachment.detach();
  await waitFor(async () => (await record(`${root}/a`)) === undefined);
});

test('a consumer that was lost is made anew where the door was', async () => {
  const one = worker(0, 'one');
  await one.attachment.subscribe([share(`${root}/a`)]);
  await publish(100, 110);
  await waitFor(() => one.seen.length === 10);
  await doors[1]!.bus.shared.remove((await record(`${root}/a`))!.consumer);
  await publish(110, 120);
  await waitFor(() => one.seen.length >= 20);
  expect(one.seen).toEqual(numbers(100, 120));
  one.attachment.detach();
});
