import type { Bus } from '@trivium/bus';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
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
} from './probe.fixture.ts';
import type { Delivery, Subscription } from './receiver.ts';

const MANY = { timeoutMs: 45_000 };
const COUNT = 2_000;

let nats: NatsServer;
let bus: Bus;
let delivery: Delivery;
beforeAll(async () => {
  nats = await startNats();
  bus = await openBus(nats.url);
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

let run = 0;
let root = '';
beforeEach(() => {
  root = `m${++run}`;
  delivery = createDelivery({ bus, logger: quiet });
});
afterEach(() => delivery.close());

const many = (qos: 0 | 1, from?: number): Subscription[] =>
  Array.from({ length: COUNT }, (_, n) => sub(`${root}/${n}/+`, qos, from));

/** How many filters came or went in one turn of the event loop at most, until `done`. */
async function mostInOneTurn(done: () => boolean): Promise<number> {
  let most = 0;
  while (!done()) {
    const before = delivery.stats.filters;
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, Math.abs(delivery.stats.filters - before));
  }
  return most;
}

it('thousands of filters begin and end a few in each turn of the event loop: others wait for no more', async () => {
  const c = probe(delivery);
  const subscribed = c.attachment.subscribe(many(1));
  expect(await mostInOneTurn(() => delivery.stats.filters === COUNT)).toBeLessThan(COUNT / 4);
  await subscribed;
  expect([...c.attachment.subscriptions].length).toBe(COUNT);
  await store(bus, [
    { topic: `${root}/0/x`, payload: 'first' },
    { topic: `${root}/${COUNT - 1}/x`, payload: 'last' },
  ]);
  await waitFor(() => c.seen.length === 2, MANY);
  c.attachment.detach();
  expect(delivery.stats).toMatchObject({ receivers: 0 });
  expect(await mostInOneTurn(() => delivery.stats.filters === 0)).toBeLessThan(COUNT / 4);
});

it('one that has gone gets nothing by filters that are still to go, and one that comes with the same ones does', async () => {
  const gone = probe(delivery);
  await gone.attachment.subscribe([...many(1), sub(`${root}/live/#`, 0)]);
  gone.attachment.detach();
  expect(delivery.stats.filters).toBeGreaterThan(1);
  const next = probe(delivery);
  const subscribed = next.attachment.subscribe([...many(1), sub(`${root}/live/#`, 0)]);
  await store(bus, [{ topic: `${root}/${COUNT - 1}/x`, payload: 'between' }]);
  await subscribed;
  bus.publisher.live(subject(`${root}/live/x`, 0), bytes('live'), undefined);
  await store(bus, [{ topic: `${root}/${COUNT - 1}/x`, payload: 'after' }]);
  await waitFor(() => next.seen.includes('after') && next.live.length === 1, MANY);
  expect([gone.seen, gone.live]).toEqual([[], []]);
  next.attachment.detach();
  await waitFor(() => delivery.stats.filters === 0, MANY);
});

it('one that goes while its filters begin leaves none behind', async () => {
  const c = probe(delivery);
  const subscribed = c.attachment.subscribe(many(1));
  await waitFor(() => delivery.stats.filters > 0, { ...MANY, intervalMs: 0 });
  c.attachment.detach();
  await subscribed;
  await waitFor(() => delivery.stats.filters === 0, MANY);
  expect(delivery.stats.receivers).toBe(0);
});

it('a session with thousands of filters goes on with what it has missed, in order and once, while more is stored', async () => {
  const after = await bus.lastPos('MESSAGES');
  const stored = await store(bus, [...numbered(`${root}/7/x`, 0, 50), ...others(1_000)]);
  await store(bus, numbered(`${root}/${COUNT - 1}/x`, 50, 100));
  const c = probe(delivery, { after });
  const subscribed = c.attachment.subscribe([
    ...many(1, after).slice(1), // all but `…/0/+`
    sub(`${root}/7/#`, 1, stored[9]!),
  ]);
  const meanwhile = store(bus, numbered(`${root}/1/x`, 100, 200));
  await Promise.all([subscribed, meanwhile]);
  await store(bus, numbered(`${root}/2/x`, 200, 210));
  await waitFor(() => c.seen.length >= 210, MANY);
  expect(c.seen).toEqual(numbers(0, 210));
  c.attachment.detach();
});

it('of one filter that is asked for twice the last counts', async () => {
  const c = probe(delivery);
  await c.attachment.subscribe([
    sub(`${root}/a`, 0),
    sub(`${root}/b`, 1),
    sub(`${root}/a`, 1),
    sub(`${root}/b`, 0),
  ]);
  const granted = [...c.attachment.subscriptions].map(({ filter, qos }) => `${filter} ${qos}`);
  expect(granted.toSorted()).toEqual([`${root}/a 1`, `${root}/b 0`]);
  c.attachment.detach();
  expect(delivery.stats.filters).toBe(0);
});
