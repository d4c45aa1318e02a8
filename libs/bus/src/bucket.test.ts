import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bus } from './bus.ts';
import { connectBus } from './connect-bus.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);
const open = (url: string): Promise<Bus> =>
  connectBus({ config: { url, name: 'test', publishTimeoutMs: 2_000 }, logger: quiet });

let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await open(nats.url);
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

describe('bucket', () => {
  it('writes by compare-and-set', async () => {
    const bucket = bus.bucket('sessions');
    const first = await bucket.put('cas', bytes('1'), { expect: 0 });
    expect(first).toBeTypeOf('number');
    expect(await bucket.put('cas', bytes('2'), { expect: 0 })).toBeUndefined();
    expect(await bucket.put('cas', bytes('2'), { expect: first! + 1_000 })).toBeUndefined();
    const second = await bucket.put('cas', bytes('2'), { expect: first! });
    expect(await bucket.get('cas')).toEqual({ key: 'cas', value: bytes('2'), revision: second });
    expect(await bucket.delete('cas', first!)).toBe(false);
    expect(await bucket.delete('cas', second!)).toBe(true);
    expect(await bucket.get('cas')).toBeUndefined();
    expect(await bucket.put('cas', bytes('3'), { expect: 0 })).toBeTypeOf('number');
  });

  it('forgets an entry at its time and tells the watcher', async () => {
    const bucket = bus.bucket('leases');
    const changes: string[] = [];
    let ready = 0;
    await bucket.put('door.a', bytes('there'));
    const watch = bucket.watch(
      'door.*',
      (key, value) => changes.push(`${key}=${value === undefined ? 'gone' : text(value)}`),
      () => ready++,
    );
    await waitFor(() => ready === 1);
    await bucket.put('door.b', bytes('soon'), { ttlSeconds: 1 });
    await waitFor(() => changes.includes('door.b=gone'), { timeoutMs: 45_000 });
    expect(changes).toEqual(['door.a=there', 'door.b=soon', 'door.b=gone']);
    watch.close();
  });

  it('lists what is there', async () => {
    const bucket = bus.bucket('devices');
    await Promise.all(Array.from({ length: 50 }, (_, i) => bucket.put(`presence.d${i}`, bytes(String(i)))));
    const entries = await bucket.entries('presence.*');
    expect(entries.length).toBe(50);
    expect((await bucket.entries('nothing.*')).length).toBe(0);
  });

  it('is missing where nobody has made it', async () => {
    expect(await bus.missing(['devices', 'leases'])).toEqual([]);
    await using server = await startNats();
    const config = { url: server.url, name: 'test', provision: 'none' as const };
    const own = await connectBus({ config, logger: quiet });
    expect(await own.missing(['devices', 'leases'])).toEqual(['devices', 'leases']);
    const hub = await open(server.url);
    expect(await own.missing(['devices', 'leases'])).toEqual([]);
    await hub.close();
    await server.kill();
    await expect(own.missing(['devices'])).rejects.toMatchObject({ code: 'bus.unavailable' });
    await own.close();
  });

  it('tells a watcher after a reconnect what changed and what is gone', async () => {
    await using server = await startNats();
    const own = await open(server.url);
    const bucket = own.bucket('devices');
    await bucket.put('k.a', bytes('1'));
    await bucket.put('k.b', bytes('1'));
    const view = new Map<string, string>();
    const watch = bucket.watch('k.*', (key, value) =>
      value === undefined ? view.delete(key) : view.set(key, text(value)),
    );
    await waitFor(() => view.size === 2);
    await server.kill();
    await server.restart();
    await waitFor(() => own.up, { timeoutMs: 45_000 });
    await bucket.put('k.a', bytes('2'));
    await bucket.delete('k.b');
    await waitFor(() => view.get('k.a') === '2' && !view.has('k.b'), { timeoutMs: 45_000 });
    watch.close();
    await own.close();
  });
});
