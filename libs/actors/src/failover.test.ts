import { join } from 'node:path';
import { connectBus, type Bus } from '@trivium/bus';
import { actorSubject, encodeToken, partitionOf } from '@trivium/contracts';
import { startNats, startProcess, type NatsServer, type StartedProcess, waitFor } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostActor } from './actor.ts';
import { startActors } from './actors.ts';
import { holdLease } from './hold-lease.ts';
import { encodeRequest } from './requests.ts';
import { type CounterState, defineCounter } from './testing/counter.ts';
import { silent } from './testing/silent.ts';

/** On a real NATS, with routers that are processes of their own where they are to be killed or stopped. */
const TTL_MS = 2_000;
const ROUTER = join(import.meta.dirname, 'testing/counter-router.ts');

let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'test' }, logger: silent });
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const startRouter = (): Promise<StartedProcess> =>
  startProcess({ command: process.execPath, args: [ROUTER, nats.url, String(TTL_MS)], ready: /held/ });

const held = (router: StartedProcess): number => Number(/.*held (\d+)\s*$/s.exec(router.stdout())?.[1] ?? 0);

const text = new TextDecoder();
const utf8 = new TextEncoder();

/** Numbered events for `count` devices of this test; `next(rounds)` stores one more of each device per round. */
function devices(name: string, count: number) {
  const ids = Array.from({ length: count }, (_, i) => `${name} ${i}`);
  let round = 0;
  const next = async (rounds: number): Promise<void> => {
    const stored: Promise<unknown>[] = [];
    for (let i = 0; i < rounds; i++, round++) {
      const payload = utf8.encode(JSON.stringify({ n: round }));
      for (const id of ids) stored.push(bus.publisher.store(`tv1.e.subscribed.${encodeToken(id)}`, payload));
    }
    await Promise.all(stored);
  };
  const states = async (): Promise<CounterState[]> => {
    const entries = await Promise.all(
      ids.map((id) => bus.bucket('devices').get(`counter.${encodeToken(id)}`)),
    );
    return entries.map(
      (entry) => JSON.parse(entry === undefined ? '{}' : text.decode(entry.value)) as CounterState,
    );
  };
  /** All of it in the state, each event once, in order. */
  const counted = async (timeoutMs: number): Promise<void> => {
    await waitFor(async () => (await states()).every(({ count }) => count === round), { timeoutMs });
    for (const state of await states()) expect(state).toMatchObject({ next: round, faults: 0 });
  };
  return { ids, next, states, counted };
}

/** Effects stored for these devices, as `<id>/<n>`. */
async function effectsOf(ids: readonly string[]): Promise<string[]> {
  const wanted = new Map(ids.map((id) => [`tv1.a.${encodeToken(id)}`, id]));
  const end = await bus.lastPos('AUDIT');
  const found: string[] = [];
  await new Promise<void>((resolve) => {
    const follower = bus.follow({
      stream: 'AUDIT',
      after: 0,
      onMessage(pos, message) {
        const id = wanted.get(message.subject);
        if (id !== undefined)
          found.push(`${id}/${(JSON.parse(text.decode(message.data)) as { n: number }).n}`);
        if (pos < end) return;
        follower.close();
        resolve();
      },
    });
  });
  return found;
}

test('the owner is killed in the middle of 5,000 events: each is in the state once and in order, the successor is there within the time to live and a second', async () => {
  await using killed = await startRouter();
  await waitFor(() => held(killed) === 32);
  const { next, counted, states } = devices('killed', 50);
  await next(20);
  await using heir = await startRouter();
  await waitFor(() => held(killed) === 16 && held(heir) === 16, {
    message: 'the second router to get its share',
  });
  await next(20);
  const storing = next(30);
  await waitFor(async () => (await states()).some(({ count }) => count > 41));
  const before = performance.now();
  await killed.kill();
  await Promise.all([storing, next(30)]);
  await waitFor(() => held(heir) === 32, { timeoutMs: TTL_MS + 1_000, intervalMs: 20 });
  expect(performance.now() - before).toBeLessThan(TTL_MS + 1_000);
  await counted(5_000);
});

test('an owner stopped for longer than its leases finds its work done by another: no repeat in the state, no effect twice', async () => {
  await using stopped = await startRouter();
  await using other = await startRouter();
  await waitFor(() => held(stopped) === 16 && held(other) === 16);
  const { ids, next, counted } = devices('stopped', 50);
  await next(20);
  await counted(5_000);
  process.kill(stopped.pid, 'SIGSTOP');
  try {
    await next(40);
    await waitFor(() => held(other) === 32, { timeoutMs: TTL_MS + 1_500 });
    await counted(5_000);
  } finally {
    process.kill(stopped.pid, 'SIGCONT');
  }
  await next(20);
  await waitFor(() => held(stopped) === 16 && held(other) === 16, { timeoutMs: 45_000 });
  await next(20);
  await counted(5_000);
  await waitFor(async () => (await effectsOf(ids)).length >= 50 * 100, { timeoutMs: 45_000 });
  const effects = await effectsOf(ids);
  expect(effects).toHaveLength(50 * 100);
  expect(new Set(effects).size).toBe(50 * 100);
});

test('routers that come and stop under load hand over within milliseconds, and lose and repeat nothing', async () => {
  await using first = await startRouter();
  await waitFor(() => held(first) === 32);
  const { ids, next, counted } = devices('handed', 50);
  const storing = next(60);
  await using second = await startRouter();
  await waitFor(() => held(second) === 16, { timeoutMs: 3_000 });
  const stopping = performance.now();
  const stopped = first.stop();
  await waitFor(() => held(second) === 32, { timeoutMs: 1_000 });
  expect(performance.now() - stopping).toBeLessThan(1_000);
  await Promise.all([stopped, storing, next(40)]);
  await counted(5_000);
  await waitFor(async () => (await effectsOf(ids)).length >= 50 * 100, { timeoutMs: 45_000 });
  expect(new Set(await effectsOf(ids)).size).toBe(50 * 100);
  expect(await effectsOf(ids)).toHaveLength(50 * 100);
});

test.each([
  { away: 'for a moment', untilHeld: 32 },
  { away: 'for longer than the leases', untilHeld: 0 },
])(
  'NATS is killed and comes back, away $away: the same router goes on, nothing is lost or repeated',
  async ({ untilHeld }) => {
    await using server = await startNats();
    const own = await connectBus({
      config: { url: server.url, name: 'test', publishTimeoutMs: 1_000 },
      logger: silent,
    });
    const effects: string[] = [];
    const kind = defineCounter();
    const hosted = hostActor(kind, ({ n }, { id }) => void effects.push(`${id}/${n}`));
    const actors = startActors({ bus: own, logger: silent, actors: [hosted], leaseTtlMs: TTL_MS });
    try {
      await waitFor(() => actors.partitionsHeld === 32);
      let sent = 0;
      const store = (): Promise<unknown> =>
        own.publisher.store('tv1.e.subscribed.d', utf8.encode(JSON.stringify({ n: sent++ })));
      for (let i = 0; i < 20; i++) await store();
      await waitFor(() => effects.length === 20);
      await server.kill();
      await waitFor(() => !actors.running && actors.partitionsHeld === untilHeld);
      await server.restart();
      await waitFor(() => own.up && actors.running && actors.partitionsHeld === 32, { timeoutMs: 45_000 });
      for (let i = 0; i < 20; i++) await store();
      await waitFor(() => effects.length === 40, { timeoutMs: 45_000 });
      expect(effects).toEqual(Array.from({ length: 40 }, (_, n) => `d/${n}`));
      const answer = await own.request(
        actorSubject(partitionOf('d'), 'd'),
        encodeRequest('counter', { op: 'get' }),
        {
          timeoutMs: 1_000,
        },
      );
      expect(JSON.parse(text.decode(answer.data))).toEqual({ count: 40 });
    } finally {
      await actors.close();
      await own.close();
    }
  },
);

test('a lease that is not renewed is seen to end by whoever watches', async () => {
  const seen: string[] = [];
  const watch = bus
    .bucket('leases')
    .watch('door.*', (_key, value) => seen.push(value === undefined ? 'gone' : 'held'));
  const holder = await connectBus({ config: { url: nats.url, name: 'holder' }, logger: silent });
  const lost: number[] = [];
  const lease = holdLease({
    bus: holder,
    key: `door.${holder.incarnation}`,
    value: utf8.encode(holder.incarnation),
    ttlMs: 2_000,
    onLost: () => lost.push(performance.now()),
  });
  await lease.ready;
  await waitFor(() => seen.length >= 2);
  await holder.close(); // the lease cannot be renewed any more
  const closed = performance.now();
  await waitFor(() => seen.at(-1) === 'gone', { timeoutMs: 4_000 });
  expect(lost).toHaveLength(1);
  expect(performance.now() - closed).toBeLessThan(3_000);
  await lease.release();
  watch.close();
});
