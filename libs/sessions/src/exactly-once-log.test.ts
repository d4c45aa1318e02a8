import { connectBus, type Bus, type Logger } from '@trivium/bus';
import type { IncomingExactlyOnce } from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ExactlyOnceLog, type ExactlyOnceLogOptions } from './exactly-once-log.ts';
import { createExactlyOnceStore } from './exactly-once-store.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'test', publishTimeoutMs: 2_000 }, logger: quiet });
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

let run = 0;
let client = '';
beforeEach(() => void (client = `c${++run}`));

const exchange = (packetId: number): IncomingExactlyOnce => ({
  packetId,
  msgId: `m/${packetId}`,
  after: 0,
  at: 0,
});

function log(options: Partial<ExactlyOnceLogOptions> = {}) {
  const onLost = vi.fn();
  const announce = vi.fn(() => Promise.resolve());
  const made = new ExactlyOnceLog({
    bus,
    client,
    epoch: 10,
    stored: undefined,
    announce,
    onLost,
    ...options,
  });
  const incoming: IncomingExactlyOnce[] = [];
  made.state = () => ({ incoming: [...incoming], outgoing: [], begun: 0 });
  const commit = (): Promise<void> => new Promise((resolve) => made.commit(resolve));
  return { made, incoming, commit, onLost, announce };
}

const stored = async () =>
  (await createExactlyOnceStore(bus).read(client))?.record.incoming.map((one) => one.packetId);

test('what was committed is stored; many commits are few writes; the session is told before the first', async () => {
  const { incoming, commit, announce } = log();
  const before = bus.stats.durablePublished;
  await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      incoming.push(exchange(i + 1));
      await commit();
      expect(await stored()).toContain(i + 1);
    }),
  );
  expect(announce).toHaveBeenCalledTimes(1);
  expect(bus.stats.durablePublished - before).toBeLessThan(10);
});

test('a new owner has what the former one stored, and fences it', async () => {
  const former = log();
  former.incoming.push(exchange(1));
  await former.commit();
  const fenced = await createExactlyOnceStore(bus).fence(client, 11);
  const owner = log({ epoch: 11, stored: fenced });
  expect(owner.made.restored.incoming).toEqual([exchange(1)]);
  former.incoming.push(exchange(2));
  const then = vi.fn();
  former.made.commit(then);
  await waitFor(() => former.onLost.mock.calls.length === 1);
  expect([then.mock.calls.length, await stored()]).toEqual([0, [1]]);
  owner.incoming.push(exchange(1), exchange(3));
  await owner.commit();
  expect([await stored(), owner.announce.mock.calls.length]).toEqual([[1, 3], 0]);
});

test('what an ended session left behind does not hinder a new one, whatever its epoch', async () => {
  await createExactlyOnceStore(bus).fence(client, 1_000);
  const { incoming, commit, onLost } = log({ epoch: 10 });
  incoming.push(exchange(4));
  await commit();
  expect([await stored(), onLost.mock.calls.length]).toEqual([[4], 0]);
});

test('waits for NATS, and goes on with what was asked for meanwhile', async () => {
  await using server = await startNats();
  const own = await connectBus({
    config: { url: server.url, name: 'test', publishTimeoutMs: 1_000 },
    logger: quiet,
  });
  const { incoming, commit, onLost } = log({ bus: own });
  incoming.push(exchange(1));
  await commit();
  for (let round = 0; round < 3; round++) {
    incoming.push(exchange(10 + round));
    const before = commit();
    await server.kill();
    incoming.push(exchange(20 + round));
    const during = commit();
    await server.restart();
    await Promise.all([before, during]);
  }
  const record = (await createExactlyOnceStore(own).read(client))!.record;
  expect(record.incoming.map(({ packetId }) => packetId)).toEqual([1, 10, 20, 11, 21, 12, 22]);
  expect(onLost).not.toHaveBeenCalled();
  await own.close();
});

test('removes what it wrote, and not what a new owner has written since', async () => {
  const { made, incoming, commit } = log();
  incoming.push(exchange(1));
  await commit();
  await createExactlyOnceStore(bus).fence(client, 11);
  await made.close();
  expect([await made.remove(), await stored()]).toEqual([false, [1]]);
  const other = log({ epoch: 12, stored: await createExactlyOnceStore(bus).fence(client, 12) });
  await other.made.close();
  expect([await other.made.remove(), await stored()]).toEqual([true, undefined]);
});

test('closed, it writes nothing more and says whether anything is left', async () => {
  const { made, incoming, commit } = log();
  incoming.push(exchange(1));
  await commit();
  expect((await made.close()).incoming).toEqual([exchange(1)]);
  incoming.length = 0;
  const then = vi.fn();
  made.commit(then);
  expect((await made.close()).incoming).toEqual([]);
  expect([then.mock.calls.length, await stored()]).toEqual([0, [1]]);
});
