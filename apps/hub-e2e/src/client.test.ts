import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type Client, type Message, type Published } from '@trivium/client';
import { repoRoot, waitFor } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectMqtt } from './clients/mqtt-js.ts';
import { isReady, startHub, type TestHub } from './hub.ts';

/** `libs/client` against a hub whose parts are killed. */
let hub: TestHub;
const WINDOW = 100;
beforeAll(async () => {
  hub = await startHub({ env: { TRIVIUM_WS_MAX_UNACKNOWLEDGED: String(WINDOW) } });
});
afterAll(() => hub[Symbol.asyncDispose]());

const clients: Client[] = [];
afterAll(() => Promise.all(clients.map((client) => client.close(0))));

function open(): Client {
  const { host, ws } = hub.addresses;
  const client = createClient({ url: `ws://${host}:${ws}/`, minDelayMs: 50, maxDelayMs: 1_000 });
  clients.push(client);
  return client;
}

/** Publishes one message after the other, some at a time, until it is told to end; resolves to what the hub has acknowledged. */
function publishing(client: Client, topic: string) {
  const acknowledged = new Map<number, Published>();
  let going = true;
  let next = 0;
  const one = async (): Promise<void> => {
    while (going) {
      const n = next++;
      acknowledged.set(n, await client.publish(topic, { n }));
    }
  };
  const all = Promise.all(Array.from({ length: 10 }, one));
  return {
    acknowledged,
    async end() {
      going = false;
      await all;
    },
  };
}

describe('a subscriber and a publisher of libs/client', () => {
  it.each([
    ['ws-ingress', () => hub.killAndWait('ws-ingress', hub.addresses.admin.ws)],
    [
      'nats-server',
      async () => {
        const before = hub.pidOf('nats-server');
        hub.kill('nats-server');
        await waitFor(() => hub.pidOf('nats-server') !== before && hub.pidOf('nats-server') !== undefined, {
          timeoutMs: 30_000,
        });
        await waitFor(() => isReady(hub.addresses.admin.ws), { timeoutMs: 60_000 });
      },
    ],
  ] as const)('lose nothing and get nothing twice when %s is killed again and again', async (what, kill) => {
    const topic = `client/${what}`;
    const subscriber = open();
    const got: Message[] = [];
    let connections = 0;
    subscriber.on('connected', () => connections++);
    await subscriber.subscribe(`${topic}/#`, (message) => void got.push(message));
    const publisher = open();
    const run = publishing(publisher, `${topic}/x`);
    for (let i = 1; i <= 2; i++) {
      const { size } = run.acknowledged;
      await waitFor(() => run.acknowledged.size > size + 200, { timeoutMs: 60_000 });
      await kill();
    }
    const { size } = run.acknowledged;
    await waitFor(() => run.acknowledged.size > size + 200, { timeoutMs: 60_000 });
    await run.end();

    const due = [...run.acknowledged.values()].map(({ pos }) => pos!);
    const last = Math.max(...due);
    await waitFor(() => got.at(-1)?.pos !== undefined && got.at(-1)!.pos! >= last, {
      timeoutMs: 30_000,
      message: () => `${last}, the last is ${got.at(-1)?.pos}`,
    });
    const positions = got.map(({ pos }) => pos!);
    // In the order of the log, each position once.
    expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b));
    const came = new Set(positions);
    expect(due.filter((pos) => !came.has(pos))).toEqual([]);
    const heard = new Set(got.map(({ payload }) => (payload as { n: number }).n));
    expect(heard).toEqual(new Set(run.acknowledged.keys()));
    if (what === 'ws-ingress') expect(connections).toBeGreaterThan(1);
  });

  it('do what the README of libs/client shows', async () => {
    const readme = await readFile(join(repoRoot(), 'libs/client/README.md'), 'utf8');
    const { host, ws } = hub.addresses;
    const example = /```ts\n([^]*?)```/
      .exec(readme)![1]!
      .replace(/^import .*$/m, '')
      .replace('127.0.0.1:8083', `${host}:${ws}`)
      .replace('await lamps', 'await seen(); await lamps');
    const lines: unknown[][] = [];
    const log = (...words: unknown[]): void => void lines.push(words);
    const seen = () => waitFor(() => lines.length > 0);
    const run = new Function(
      'createClient, console, seen',
      `return (async () => { ${example}\nreturn { pos, reply }; })()`,
    ) as (...given: unknown[]) => Promise<{ pos: number; reply: { payload: unknown } }>;
    const { pos, reply } = await run(createClient, { log }, seen);
    expect(reply.payload).toEqual({ dimmedTo: 40 });
    expect(lines[0]).toEqual(['kitchen/lamp', { on: true }, pos]);
    // `close` was the end of it, told by the event.
    expect(lines.slice(1)).toEqual([['closed by this client', undefined]]);
  });

  it('take their time: what they have not handled holds the rest back in the log', async () => {
    const subscriber = open();
    const got: unknown[] = [];
    const gate = Promise.withResolvers<void>();
    await subscriber.subscribe('client/slow', ({ payload }) => {
      got.push(payload);
      return gate.promise;
    });
    const publisher = open();
    const sent = Array.from({ length: 5 * WINDOW }, (_, n) => `${n}`);
    for (const payload of sent) await publisher.publish('client/slow', payload);
    await waitFor(() => got.length >= WINDOW);
    // An answer that comes after all that the hub would send.
    await subscriber.publish('client/else');
    expect(got).toHaveLength(WINDOW);
    gate.resolve();
    await waitFor(() => got.length >= sent.length, { timeoutMs: 30_000 });
    expect(got).toEqual(sent);
  });

  it('another run of the program goes on from the position of the last one', async () => {
    const first = open();
    const got: unknown[] = [];
    const subscription = await first.subscribe('client/again', ({ payload }) => void got.push(payload));
    const publisher = open();
    await publisher.publish('client/again', 'one');
    await waitFor(() => got.length === 1);
    const { pos } = subscription;
    await first.close();
    await publisher.publish('client/again', 'two');
    const second = open();
    const more: unknown[] = [];
    await second.subscribe('client/again', ({ payload }) => void more.push(payload), { from: pos! });
    await publisher.publish('client/again', 'three');
    await waitFor(() => more.length === 2);
    expect([got, more]).toEqual([['one'], ['two', 'three']]);
  });

  it('a request of an MQTT 5 client is answered to its response topic, with its correlation data', async () => {
    const { host, mqtt } = hub.addresses;
    const device = open();
    await device.subscribe('client/ask', async ({ payload, properties }) => {
      const { responseTopic, correlationData } = properties!;
      const answer = { properties: { correlationData: correlationData! } };
      await device.publish(responseTopic!, `you said ${String(payload)}`, answer);
    });
    const caller = await connectMqtt(`mqtt://${host}:${mqtt}`, { protocolVersion: 5 });
    const answers: [string, unknown][] = [];
    caller.on('message', (_topic, payload, { properties }) => {
      answers.push([payload.toString(), properties?.correlationData?.toString('hex')]);
    });
    await caller.subscribeAsync('client/answers', { qos: 1 });
    const properties = { responseTopic: 'client/answers', correlationData: Buffer.from([0, 255, 7]) };
    await caller.publishAsync('client/ask', 'hello', { qos: 1, properties });
    await waitFor(() => answers.length === 1);
    expect(answers).toEqual([['you said hello', '00ff07']]);
    await caller.endAsync();
  });
});
