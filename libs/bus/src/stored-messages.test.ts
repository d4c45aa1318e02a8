import { startNats, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Bus } from './bus.ts';
import type { Logger } from './config.ts';
import { connectBus } from './connect-bus.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

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

async function retain(tokens: string, payload: string | Uint8Array, pos: number): Promise<void> {
  const data = typeof payload === 'string' ? bytes(payload) : payload;
  await bus.retain({ tokens, payload: data, qos: 1, client: 'c', pos });
}

it('reads the newest message on a subject, with what it says and when it was stored', async () => {
  const before = Date.now();
  await retain('last.a', 'old', 1);
  await retain('last.a', 'new', 2);
  const found = (await bus.readLast('RETAINED', 'tv1.r.last.a'))!;
  expect([found.subject, text(found.data), found.headers?.get('Tv-Pos')]).toEqual([
    'tv1.r.last.a',
    'new',
    '2',
  ]);
  expect(Math.abs(found.storedAt - before)).toBeLessThan(60_000);
  expect(await bus.readLast('RETAINED', 'tv1.r.last')).toBeUndefined();
});

it('reads on from a position, page by page, and empty payloads are messages too', async () => {
  expect(await bus.readAfter('AUDIT', 0, 10)).toEqual([]);
  const begin = await bus.lastPos('RETAINED');
  for (let i = 0; i < 25; i++) await retain(`page.${i}`, i === 3 ? '' : String(i), i + 1);
  const read: string[] = [];
  const sizes: number[] = [];
  for (let after = begin; ;) {
    const page = await bus.readAfter('RETAINED', after, 10);
    if (page.length === 0) break;
    sizes.push(page.length);
    read.push(...page.map(({ subject, data }) => `${subject} ${text(data)}`));
    after = page.at(-1)!.pos;
  }
  expect(sizes).toEqual([10, 10, 5]);
  expect(read).toEqual(Array.from({ length: 25 }, (_, i) => `tv1.r.page.${i} ${i === 3 ? '' : i}`));
});

it('a page of large messages is a short one, and the next goes on', async () => {
  const begin = await bus.lastPos('RETAINED');
  for (let i = 0; i < 12; i++) await retain(`large.${i}`, new Uint8Array(1 << 20), i + 1);
  const page = await bus.readAfter('RETAINED', begin, 100);
  expect(page.length).toBeGreaterThan(0);
  expect(page.length).toBeLessThan(8);
  const next = await bus.readAfter('RETAINED', page.at(-1)!.pos, 100);
  expect(next[0]!.subject).toBe(`tv1.r.large.${page.length}`);
});

it('without NATS it is refused as retryable', async () => {
  await using own = await startNats();
  const away = await connectBus({ config: { url: own.url, name: 'test' }, logger: quiet });
  await own.kill();
  await expect(away.readAfter('RETAINED', 0, 10)).rejects.toMatchObject({ code: 'bus.unavailable' });
  await expect(away.readLast('RETAINED', 'tv1.r.a')).rejects.toMatchObject({ code: 'bus.unavailable' });
  await away.close();
});
