import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bus } from './bus.ts';
import type { Logger } from './config.ts';
import { connectBus } from './connect-bus.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);
const open = (url: string, more: object = {}): Promise<Bus> =>
  connectBus({ config: { url, name: 'test', ...more }, logger: quiet });

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

async function store(on: Bus, topic: string, count: number): Promise<number[]> {
  const stored = await Promise.all(
    Array.from({ length: count }, (_, i) => on.publisher.store(`tv1.m.1.c.${topic}`, bytes(String(i)))),
  );
  return stored.map(({ pos }) => pos);
}

/** Reads all at once; an answer is `subject payload`, `gone` or the code of the failure. */
function fetchAll(on: Bus, positions: readonly number[]): Promise<string[]> {
  const answers: string[] = [];
  let open = positions.length;
  return new Promise((resolve) => {
    const settle = (token: number, answer: string): void => {
      expect(answers[token]).toBeUndefined();
      answers[token] = answer;
      if (--open === 0) resolve(answers);
    };
    positions.forEach((pos, token) =>
      on.fetch(
        'MESSAGES',
        pos,
        {
          fetched: (at, message) =>
            settle(at, message === undefined ? 'gone' : `${message.subject} ${text(message.data)}`),
          failed: settle,
        },
        token,
      ),
    );
  });
}

describe('fetch', () => {
  it('reads many messages by position at once, each answered once', async () => {
    const positions = await store(bus, 'fetch', 3_000);
    expect(await fetchAll(bus, positions)).toEqual(positions.map((_, i) => `tv1.m.1.c.fetch ${i}`));
  });

  it('says what is gone, and what was never there', async () => {
    await using server = await startNats();
    const own = await open(server.url, { retentionMaxBytes: 20_000 });
    const positions = await store(own, 'drop', 1_000);
    const answers = await fetchAll(own, [positions[0]!, positions.at(-1)!, 5_000]);
    expect(answers).toEqual(['gone', 'tv1.m.1.c.drop 999', 'gone']);
    await own.close();
  });

  it('fails what is open when NATS dies, and what is asked while it is away', async () => {
    await using server = await startNats();
    const own = await open(server.url);
    const positions = await store(own, 'kill', 500);
    const asked = fetchAll(own, positions);
    const killed = server.kill();
    const answers = await asked;
    await killed;
    expect(answers.filter((answer) => !answer.startsWith('tv1.') && answer !== 'bus.unavailable')).toEqual(
      [],
    );
    await waitFor(() => !own.up);
    expect(await fetchAll(own, [positions[0]!])).toEqual(['bus.unavailable']);
    await server.restart();
    await waitFor(() => own.up, { timeoutMs: 45_000 });
    expect(await fetchAll(own, positions)).toEqual(positions.map((_, i) => `tv1.m.1.c.kill ${i}`));
    await own.close();
  });
});

describe('firstPosAfter', () => {
  it('is the first message stored at the time or later, and one above the last when none is', async () => {
    await using server = await startNats();
    const own = await open(server.url);
    const hour = 3_600_000;
    expect(await own.firstPosAfter(Date.now() - hour)).toBe(1);
    const before = await store(own, 'time', 3);
    const stored = Date.now();
    await waitFor(() => Date.now() > stored + 1);
    const between = Date.now();
    await waitFor(() => Date.now() > between);
    const after = await store(own, 'time', 3);
    expect(await own.firstPosAfter(between - 2 * hour)).toBe(before[0]);
    expect(await own.firstPosAfter(between)).toBe(after[0]);
    expect(await own.firstPosAfter(between + hour)).toBe(after.at(-1)! + 1);
    await own.close();
  });

  it('asks NATS once for times that lie close together', async () => {
    await using server = await startNats();
    const own = await open(server.url);
    await store(own, 'shared', 1);
    const now = Date.now();
    const asked = Array.from({ length: 100 }, (_, i) => own.firstPosAfter(now - 5_000 + i));
    expect(new Set(asked).size).toBe(1);
    expect(await asked[0]).toBe(1);
    await server.kill();
    await waitFor(() => !own.up);
    await expect(own.firstPosAfter(now)).rejects.toMatchObject({ category: 'retryable' });
    await server.restart();
    await waitFor(() => own.up, { timeoutMs: 45_000 });
    expect(await own.firstPosAfter(now - 5_000)).toBe(1);
    await own.close();
  });
});
