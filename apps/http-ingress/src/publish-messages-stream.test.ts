import { once } from 'node:events';
import { freePort, startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDoor } from './door-under-test.ts';
import { codes, NDJSON, numbered, openRequest, postTo } from './testing/batch-client.ts';

let nats: NatsServer;
beforeAll(async () => void (nats = await startNats()));
afterAll(() => nats.stop());

describe('a batch as a stream', () => {
  test('results come while the request is still written', async () => {
    await using door = await startDoor(nats.url);
    const batch = await openRequest(door.url);
    for (let i = 0; i < 5; i++) {
      batch.request.write(`${JSON.stringify({ topic: 'a', payload: `${i}`, qos: 1 })}\n`);
      await waitFor(() => batch.lines.length === i + 1);
    }
    expect([batch.status, batch.ended]).toEqual([207, false]);
    batch.request.end();
    await waitFor(() => batch.ended);
  });

  test('the body is read no faster than messages are stored', async () => {
    await using own = await startDoor(nats.url, { config: { maxOpenPublishes: 10 } });
    const kept: (() => void)[] = [];
    const publish = own.bus.publisher.durable.bind(own.bus.publisher);
    own.bus.publisher.durable = (...args: Parameters<typeof publish>) =>
      void kept.push(() => publish(...args));
    const batch = await openRequest(own.url);
    const line = `${JSON.stringify({ topic: 'a', payload: 'x'.repeat(100_000), qos: 1 })}\n`;
    const count = 400;
    for (let i = 0; i < count; i++) batch.request.write(line);
    batch.request.end();
    await waitFor(() => kept.length === 10);
    // Nothing moves as long as nothing is stored: what does not fit into the buffers of both ends has not left.
    let sent = -1;
    await waitFor(() => {
      const before = sent;
      sent = batch.request.socket!.bytesWritten - batch.request.socket!.writableLength;
      return before === sent;
    });
    expect(kept.length).toBe(10);
    expect(batch.request.socket!.writableLength).toBeGreaterThan((count * line.length) / 2);
    own.bus.publisher.durable = publish;
    for (const go of kept) go();
    await waitFor(() => batch.ended, { timeoutMs: 45_000 });
    expect(batch.lines.length).toBe(count);
  });

  test('that does not arrive in time is cut off, and nothing that is no result is in its answer', async () => {
    await using own = await startDoor(nats.url, { config: { requestTimeoutMs: 5_000 } });
    const batch = await openRequest(own.url);
    const closed = once(batch.request, 'close');
    batch.request.write('{"topic":"a","qos":1}\n');
    await closed;
    expect([codes(batch.lines), batch.ended, batch.rest()]).toEqual([['ok'], false, '']);
  });

  test.each([NDJSON, 'application/json'])(
    '%s: who hangs up stops it, and leaves nothing behind',
    async (type) => {
      await using own = await startDoor(nats.url, { config: { maxOpenPublishes: 10 } });
      const kept: (() => void)[] = [];
      const publish = own.bus.publisher.durable.bind(own.bus.publisher);
      own.bus.publisher.durable = (...args: Parameters<typeof publish>) =>
        void kept.push(() => publish(...args));
      const batch = await openRequest(own.url, { 'content-type': type });
      const items = numbered(1_000).map((message) => JSON.stringify(message));
      batch.request.write(type === NDJSON ? items.join('\n') : `[${items.join()}`);
      await waitFor(() => kept.length === 10);
      batch.request.destroy();
      await waitFor(
        () => new Promise<boolean>((resolve) => own.door.server.getConnections((_e, n) => resolve(n === 0))),
      );
      own.bus.publisher.durable = publish;
      for (const go of kept) go();
      await waitFor(() => own.door.stats.openPublishes === 0);
      expect(own.door.stats.publishedQos1).toBe(10);
    },
  );
});

test('when NATS is away it answers 503 with Retry-After; when it goes during a batch, each item says so', async () => {
  const port = await freePort();
  await using ownNats = await startNats({ port });
  await using own = await startDoor(ownNats.url);
  const batch = await openRequest(own.url);
  batch.request.write('{"topic":"a","qos":1}\n');
  await waitFor(() => batch.lines.length === 1);
  await ownNats.kill();
  await waitFor(() => !own.bus.up);
  batch.request.end('{"topic":"a","qos":1}\n{"topic":"a"}\n');
  await waitFor(() => batch.ended);
  expect(codes(batch.lines)).toEqual(['ok', 'bus.unavailable', 'bus.unavailable']);
  const refused = await postTo(own.url, '[{"topic":"a","qos":1}]');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
});
