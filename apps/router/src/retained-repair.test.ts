import { connectBus, type Bus } from '@trivium/bus';
import { decodePos, retainedSubject } from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createRouter, type Router } from './router.ts';
import { routerConfig } from './testing/router-config.ts';
import { silent } from './testing/session-door.ts';
import { publish } from './testing/sleeping-sessions.ts';

const LONG = { timeoutMs: 90_000 };
let nats: NatsServer;
let bus: Bus;
const cleanups: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  nats = await startNats();
  bus = await connect();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const connect = (): Promise<Bus> => connectBus({ config: { url: nats.url, name: 'test' }, logger: silent });

async function startRouter(): Promise<{ router: Router; stop(): Promise<void> }> {
  const own = await connect();
  const router = createRouter({ bus: own, config: routerConfig, logger: silent });
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    await router.close();
    await own.close();
  };
  cleanups.push(stop);
  return { router, stop };
}

async function startOnlyRouter(): Promise<{ router: Router; stop(): Promise<void> }> {
  const started = await startRouter();
  await waitFor(() => started.router.positions.partitionsOpen === 32, LONG);
  return started;
}

async function retained(
  topic: string,
): Promise<{ pos: number | undefined; payload: string; revision: number } | undefined> {
  const found = await bus.readLast('RETAINED', retainedSubject(topic.replaceAll('/', '.')));
  if (found === undefined) return undefined;
  const payload = Buffer.from(found.data).toString();
  return { pos: decodePos((name) => found.headers?.get(name)), payload, revision: found.pos };
}

test('a retained publish whose door died before RETAINED was written is there a few seconds later', async () => {
  const { router } = await startOnlyRouter();
  await publish(bus, 'a/old', 1, { retain: true }, 'older');
  const { pos } = await publish(
    bus,
    'a/old',
    2,
    { retain: true, qosBelowSubject: 1, properties: { contentType: 'x/y' } },
    'newer',
  );
  await publish(bus, 'a/not', 1, {}, 'plain');
  await publish(bus, 'a/expired', 1, { retain: true, properties: { expiresAt: Date.now() - 1 } });
  await waitFor(() => retained('a/old'), LONG);
  expect(await retained('a/old')).toMatchObject({ pos, payload: 'newer' });
  const { headers } = (await bus.readLast('RETAINED', retainedSubject('a.old')))!;
  expect(['Tv-Ct', 'Tv-Q', 'Tv-Cl', 'Tv-Ret'].map((name) => headers?.get(name))).toEqual([
    'x/y',
    '1',
    'publisher',
    '1',
  ]);
  await waitFor(() => router.positions.retained.checked >= 2, LONG);
  expect(await retained('a/not')).toBeUndefined();
  expect(await retained('a/expired')).toBeUndefined();
});

test('what a living door has written is left alone, and a topic that was cleared stays so', async () => {
  const { router } = await startOnlyRouter();
  const { pos } = await publish(bus, 'b/done', 1, { retain: true }, 'done');
  await bus.retain({ tokens: 'b.done', payload: Buffer.from('done'), qos: 1, client: 'publisher', pos });
  await publish(bus, 'b/cleared', 1, { retain: true }, 'gone');
  const { pos: cleared } = await publish(bus, 'b/cleared', 1, { retain: true }, '');
  const before = await retained('b/done');
  await waitFor(() => router.positions.retained.repaired === 1, LONG);
  await waitFor(() => router.positions.retained.checked === 2, LONG);
  expect(await retained('b/done')).toEqual(before);
  expect(await retained('b/cleared')).toMatchObject({ pos: cleared, payload: '' });
});

test('one that came while no router ran is seen to by the next one', async () => {
  const first = await startOnlyRouter();
  // It must have a checkpoint to go on from: one that stands for what is a few seconds old.
  await publish(bus, 'c/first', 1, { retain: true }, 'first');
  await waitFor(() => retained('c/first'), LONG);
  await first.stop();
  await waitFor(async () => (await bus.bucket('positions').entries()).length === 32, LONG);
  const { pos } = await publish(bus, 'c/second', 1, { retain: true }, 'second');
  await startOnlyRouter();
  await waitFor(() => retained('c/second'), LONG);
  expect(await retained('c/second')).toMatchObject({ pos, payload: 'second' });
});

test('two routers share the topics: each is seen to once', async () => {
  const routers = [await startRouter(), await startRouter()];
  await waitFor(() => routers.every(({ router }) => router.positions.partitionsOpen === 16), LONG);
  const topics = Array.from({ length: 60 }, (_, i) => `d/${i}`);
  await Promise.all(topics.map((topic) => publish(bus, topic, 1, { retain: true }, topic)));
  for (const topic of topics) await waitFor(() => retained(topic), LONG);
  // A record is there before the router that wrote it has heard so.
  const repaired = () => routers.map(({ router }) => router.positions.retained.repaired);
  await waitFor(() => repaired().reduce((sum, one) => sum + one, 0) >= 60, LONG);
  expect(repaired().reduce((sum, one) => sum + one, 0)).toBe(60);
  for (const one of repaired()) expect(one).toBeGreaterThan(0);
});
