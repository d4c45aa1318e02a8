import { connect } from '@nats-io/transport-node';
import { startNats, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Bus } from './bus.ts';
import { connectBus } from './connect-bus.ts';
import { api } from './wire.ts';

const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'inspected' }, logger });
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const streamOf = async (of: Bus, name: string) =>
  (await of.inspect()).streams.find((stream) => stream.name === name)!;

it('tells how NATS is and what it keeps', async () => {
  for (const topic of ['a', 'a', 'b']) await bus.publisher.store(`tv1.m.1.c.${topic}`, Buffer.from('x'));
  const seen = await bus.inspect();
  expect(seen.server.version).toMatch(/^2\.\d+/);
  expect(Math.abs(seen.clockAheadMs)).toBeLessThan(seen.roundTripMs + 100);
  expect(seen.storage.usedBytes).toBeGreaterThan(0);
  expect(seen.streams.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['MESSAGES', 'AUDIT', 'KV_devices']),
  );
  expect(seen.streams.every(({ there, differs }) => there && differs.length === 0)).toBe(true);
  expect(seen.streams[0]).toMatchObject({
    ...{ name: 'MESSAGES', messages: 3, first: 1, last: 3, subjects: 2, maxBytes: -1, maxAgeMs: 604_800_000 },
    discards: 'old',
  });
});

it('tells what is not as it is wanted, and what is not there, and leaves both', async () => {
  const config = { url: nats.url, name: 'other', provision: 'none', retentionMaxBytes: 1_000_000 } as const;
  const other = await connectBus({ config, logger });
  const nc = await connect({ servers: nats.url });
  try {
    await api(nc, 'STREAM.DELETE.AUDIT');
    expect(await streamOf(other, 'MESSAGES')).toMatchObject({
      there: true,
      differs: ['max_bytes'],
      maxBytes: -1,
    });
    expect(await streamOf(other, 'AUDIT')).toMatchObject({ there: false, messages: 0 });
  } finally {
    await nc.close();
    await other.close();
  }
});

it('says that NATS is away', async () => {
  await nats.kill();
  await expect(bus.inspect()).rejects.toMatchObject({ code: 'bus.unavailable' });
});
