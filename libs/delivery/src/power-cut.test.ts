import { cp, rm } from 'node:fs/promises';
import { encodeHeaders } from '@trivium/contracts';
import { startNats, tempDir, waitFor } from '@trivium/testing';
import { expect, it } from 'vitest';
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
} from './probe.fixture.ts';

const LONG = { timeoutMs: 30_000 };

it('what NATS lost with its newest second is forgotten, and the positions that it gives out again are delivered', async () => {
  await using nats = await startNats({ mode: 'binary' });
  await using copy = await tempDir();
  const bus = await openBus(nats.url);
  const door = createDelivery({ bus, logger: quiet });
  const retain = async (payload: string): Promise<void> => {
    const headers = encodeHeaders({ retain: true });
    const { pos } = await bus.publisher.store(subject('p/r'), bytes(payload), headers);
    await bus.retain({ tokens: 'p.r', payload: bytes(payload), qos: 1, pos });
  };
  /** What a new subscription is sent: at a position that stood for something else before, or below one. */
  const retainedNow = async (): Promise<string[]> => {
    const retained: string[] = [];
    const { subscribe, detach } = door.attach({
      id: 'late',
      onLive: () => undefined,
      onDurable: () => true,
      onRetained: (message) => retained.push(text(message.payload)) > 0,
    });
    await subscribe([{ ...sub('p/r'), sendRetained: true }]);
    await waitFor(() => retained.length === 1, LONG);
    detach();
    return retained;
  };
  const goAway = async (between: () => Promise<void>): Promise<void> => {
    await nats.kill();
    await between();
    await nats.restart();
    await waitFor(() => bus.up, LONG);
  };

  await store(bus, [...numbered('p/a', 0, 20), ...others(9_000), ...numbered('p/a', 20, 25)]);
  await retain('first');
  const last = await bus.lastPos('MESSAGES');
  await goAway(() => cp(nats.storeDir, copy.path, { recursive: true }));

  const live = probe(door);
  const waiting = probe(door, { room: 0 });
  const behind = probe(door, { after: 0, room: 5 });
  for (const one of [live, waiting]) await one.attachment.subscribe([sub('p/a'), sub('p/r')]);
  await behind.attachment.subscribe([sub('p/a')]);
  await store(bus, numbered('p/a', 25, 40));
  for (let i = 0; i < 30; i++) await retain('lost');
  await waitFor(() => live.seen.length === 45 && behind.seen.length === 5, LONG);
  waiting.room = 3;
  waiting.attachment.resume();
  await waitFor(() => waiting.seen.length === 3, LONG);

  await goAway(async () => {
    await rm(nats.storeDir, { recursive: true });
    await cp(copy.path, nats.storeDir, { recursive: true });
  });
  await waitFor(() => live.attachment.pos === last, LONG);
  expect(await bus.lastPos('MESSAGES')).toBe(last);
  expect(await retainedNow()).toEqual(['first']);
  await store(bus, numbered('p/a', 100, 110));
  await retain('kept');
  expect(await retainedNow()).toEqual(['kept']);
  for (const slow of [waiting, behind]) {
    slow.room = Infinity;
    slow.attachment.resume();
  }
  await waitFor(() => waiting.seen.at(-1) === 'kept' && behind.seen.at(-1) === '109', LONG);
  expect(live.seen.slice(45)).toEqual([...numbers(100, 110), 'kept']);
  expect(waiting.seen.slice(3)).toEqual([...numbers(100, 110), 'kept']);
  expect(behind.seen).toEqual([...numbers(0, 25), ...numbers(100, 110)]);

  door.close();
  await bus.close();
});
