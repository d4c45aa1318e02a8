import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bus } from './bus.ts';
import { connectBus } from './connect-bus.ts';
import { SHARED_ACK_WAIT_MS } from './shared-log.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const connect = (nats: NatsServer): Promise<Bus> =>
  connectBus({ config: { url: nats.url, name: 'test' }, logger: quiet });

let nats: NatsServer;
let buses: [Bus, Bus];
beforeAll(async () => {
  nats = await startNats();
  buses = [await connect(nats), await connect(nats)];
});
afterAll(async () => {
  for (const bus of buses) await bus.close();
  await nats.stop();
});

const store = (bus: Bus, count: number): Promise<unknown> =>
  Promise.all(
    Array.from({ length: count }, (_, i) => bus.publisher.store('tv1.m.1.p.work', bytes(String(i)))),
  );

test('each message goes to one reader, as many as were asked for; what is given back goes to another', async () => {
  const [here, there] = buses;
  await here.shared.create('share-a', ['tv1.m.*.*.work'], await here.lastPos('MESSAGES'));
  await there.shared.create('share-a', ['tv1.m.*.*.work'], 0);
  const seen: string[][] = [[], []];
  const handles: string[] = [];
  const readers = buses.map((bus, i) =>
    bus.shared.read('share-a', {
      onMessage(_pos, message, handle) {
        seen[i]!.push(new TextDecoder().decode(message.data));
        handles.push(handle);
      },
      onOver: () => undefined,
    }),
  );
  readers[0]!.ask(10);
  await store(there, 15);
  await waitFor(() => seen[0]!.length === 10);
  expect(readers.map(({ asked }) => asked)).toEqual([0, 0]);
  handles.forEach((handle, i) => here.shared.settle(handle, i < 7 ? 'done' : 'again'));
  readers[1]!.ask(100);
  await waitFor(() => seen[1]!.length === 8);
  expect([...seen[1]!].sort()).toEqual(['10', '11', '12', '13', '14', '7', '8', '9']);
  for (const reader of readers) reader.close();
  expect(await here.shared.list('share-a')).toMatchObject([{ name: 'share-a' }]);
  await here.shared.remove('share-a');
  await here.shared.remove('share-a');
  expect(await here.shared.list('share-')).toEqual([]);
});

test('a reader is told that its consumer is gone, and after an outage that it may ask again', async () => {
  await using own = await startNats();
  const bus = await connect(own);
  await bus.shared.create('share-b', ['tv1.m.*.*.work'], 0);
  const over: boolean[] = [];
  const seen: string[] = [];
  const reader = bus.shared.read('share-b', {
    onMessage: (_pos, message) => void seen.push(new TextDecoder().decode(message.data)),
    onOver: (gone) => void over.push(gone),
  });
  reader.ask(5);
  await own.kill();
  await waitFor(() => !bus.up);
  await own.restart();
  await waitFor(() => over.length > 0 && bus.up);
  expect([over[0], reader.asked]).toEqual([false, 0]);
  reader.ask(5);
  await store(bus, 1);
  await waitFor(() => seen.length === 1);
  await bus.shared.remove('share-b');
  await waitFor(() => over.includes(true));
  reader.close();
  await bus.close();
});

test('a reader of a consumer that is not there is told so', async () => {
  const over: boolean[] = [];
  const reader = buses[0].shared.read('share-nothing', {
    onMessage: () => undefined,
    onOver: (gone) => void over.push(gone),
  });
  reader.ask(1);
  await waitFor(() => over.includes(true));
  reader.close();
});

test('what is on its way to a reader that is closed goes to another at once', async () => {
  const [here, there] = buses;
  await here.shared.create('share-c', ['tv1.m.*.*.work'], await here.lastPos('MESSAGES'));
  const seen: string[] = [];
  const stays = there.shared.read('share-c', {
    onMessage(_pos, message, handle) {
      seen.push(new TextDecoder().decode(message.data));
      there.shared.settle(handle, 'done');
      stays.ask(1);
    },
    onOver: () => undefined,
  });
  const since = performance.now();
  const leaving = Array.from({ length: 20 }, () =>
    here.shared.read('share-c', {
      onMessage: (_pos, _message, handle) => here.shared.settle(handle, 'again'),
      onOver: () => undefined,
    }),
  );
  for (const reader of leaving) reader.ask(1_000);
  // Stored while they go: some of it is sent to one that has just gone.
  const stored = leaving.map(async (reader, i) => {
    await there.publisher.store('tv1.m.1.p.work', bytes(String(i)));
    reader.close();
  });
  await Promise.all(stored);
  stays.ask(100);
  await waitFor(() => new Set(seen).size === 20);
  expect(performance.now() - since).toBeLessThan(SHARED_ACK_WAIT_MS);
  stays.close();
  await here.shared.remove('share-c');
});
