import { startNats, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Bus } from './bus.ts';
import type { Logger } from './config.ts';
import { connectBus } from './connect-bus.ts';
import type { OnceMessage } from './store-once.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'test' }, logger: quiet });
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const will = (msgId: string, old: boolean, after = 0): OnceMessage => ({
  subject: 'tv1.m.1.ü.last.words',
  payload: new TextEncoder().encode('gone'),
  headers: { retain: true },
  msgId,
  old,
  after,
});

it('stores a message once, whoever tries and how often', async () => {
  const first = await bus.storeOnce(will('will/ü %/1', false));
  expect(await bus.storeOnce(will('will/ü %/1', false))).toBe(first);
  expect(await bus.lastPos('MESSAGES')).toBe(first);
});

it('finds in the log what JetStream no longer remembers, and stores what is not there', async () => {
  const first = await bus.storeOnce(will('will/ü %/2', false));
  await bus.publisher.store('tv1.m.1.other.last.words', new Uint8Array(1));
  const end = await bus.lastPos('MESSAGES');
  expect(await bus.storeOnce(will('will/ü %/2', true))).toBe(first);
  expect(await bus.storeOnce(will('will/ü %/3', true))).toBe(end + 1);
});

it('does not look below where the message can be', async () => {
  const first = await bus.storeOnce(will('will/ü %/4', false));
  // JetStream still remembers this one, so the answer is the same, but not from the log.
  const before = bus.stats.durablePublished;
  expect(await bus.storeOnce(will('will/ü %/4', true, first))).toBe(first);
  expect(bus.stats.durablePublished).toBe(before + 1);
  expect(await bus.storeOnce(will('will/ü %/4', true, first - 1))).toBe(first);
  expect(bus.stats.durablePublished).toBe(before + 1);
});
