// Who publishes too much, or connects too often, is told so by HTTP and by trivium.v1, and served again after the pause.
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDoorProcess, startNats, tempDir, waitFor } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { openTrivium, type TriviumSocket } from './clients/trivium-ws.ts';
import { triviumWith } from './trivium-command.ts';

const PER_CONNECTION = 5;
const PER_PRINCIPAL = 8;
const CONNECTIONS = 4;
const PASSWORD = 'correct horse battery staple';

const ports = { http: 0, ws: 0 };
const open = new AsyncDisposableStack();
beforeAll(async () => {
  const nats = open.use(await startNats());
  const { path } = open.use(await tempDir());
  const fleet = join(path, 'fleet.csv');
  const names = ['http', 'ws'].flatMap((door) =>
    ['one', 'other', 'many', 'full'].map((of) => `${door}-${of}`),
  );
  await writeFile(fleet, ['name,password', ...names.map((name) => `${name},${PASSWORD}`), ''].join('\n'));
  const env = {
    TRIVIUM_AUTH_REQUIRED: 'true',
    TRIVIUM_LIMITS_MESSAGES_PER_SECOND: String(PER_CONNECTION),
    TRIVIUM_LIMITS_MESSAGES_PER_SECOND_PER_PRINCIPAL: String(PER_PRINCIPAL),
    TRIVIUM_LIMITS_CONNECTIONS_PER_PRINCIPAL: String(CONNECTIONS),
  };
  for (const name of ['http', 'ws'] as const)
    ports[name] = open.use(await startDoorProcess(name, nats.url, env)).port;
  // Doors make the buckets that it wants.
  await triviumWith({ TRIVIUM_NATS_URL: nats.url })(['devices', 'create', '--file', fleet]);
});
afterAll(() => open.disposeAsync());

const authorization = (user: string): string =>
  `Basic ${Buffer.from(`${user}:${PASSWORD}`).toString('base64')}`;

/** A client of `user`: each call publishes once; resolves to the seconds after which it may come back, or to 'taken'. */
interface Publisher extends AsyncDisposable {
  publish(): Promise<'taken' | number>;
}

/** By HTTP a client is who says the same client id. */
const httpPublisher = (user: string, id: string): Promise<Publisher> =>
  Promise.resolve({
    async publish() {
      const headers = { authorization: authorization(user), 'x-client-id': `${user}-${id}` };
      const url = `http://127.0.0.1:${ports.http}/topics/limits?qos=1`;
      const answer = await fetch(url, { method: 'POST', body: 'x', headers });
      const { code } = (await answer.json()) as { code?: string };
      if (answer.status === 200) return 'taken';
      expect([answer.status, code]).toEqual([429, 'rate.limited']);
      return Number(answer.headers.get('retry-after'));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });

const openWebSocket = (user: string, id: string): Promise<TriviumSocket> =>
  openTrivium(`ws://127.0.0.1:${ports.ws}/?clientId=${user}-${id}`, { authorization: authorization(user) });

async function webSocketPublisher(user: string, id: string): Promise<Publisher> {
  const client = await openWebSocket(user, id);
  return {
    async publish() {
      const answer = await client.ask({ op: 'pub', topic: 'limits', payload: 'x', qos: 1 });
      if (answer.op === 'ok') return 'taken';
      expect(answer).toMatchObject({ op: 'err', code: 'rate.limited' });
      return (answer['retryAfterMs'] as number) / 1_000;
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

describe.each([
  ['HTTP', 'http', httpPublisher],
  ['WebSocket', 'ws', webSocketPublisher],
] as const)('%s: messages', (_name, door, publisher) => {
  const opened = async (user: string, id: string): Promise<Publisher> => {
    const one = await publisher(`${door}-${user}`, id);
    expect(await one.publish()).toBe('taken');
    return one;
  };
  const much = (one: Publisher, count: number) =>
    Promise.all(Array.from({ length: count }, () => one.publish()));
  const servedAgain = (one: Publisher) =>
    waitFor(async () => (await one.publish()) === 'taken', { timeoutMs: 30_000, intervalMs: 500 });

  test('of one client: it is told when to come back, others go on, and so does it after that', async () => {
    await using client = await opened('one', '1');
    await using other = await opened('other', '1');
    const answers = await much(client, 10 * PER_CONNECTION);
    const pauses = answers.filter((answer) => answer !== 'taken');
    expect(answers.length - pauses.length).toBeGreaterThanOrEqual(PER_CONNECTION - 1);
    expect(pauses.length).toBeGreaterThan(0);
    for (const pause of pauses) expect(pause > 0 && pause <= 1).toBe(true);
    expect(await other.publish()).toBe('taken');
    await servedAgain(client);
  });

  test('of one principal: by several clients, none of which is too fast', async () => {
    await using clients = new AsyncDisposableStack();
    const all: Publisher[] = [];
    for (let i = 0; i < CONNECTIONS; i++) all.push(clients.use(await opened('many', String(i))));
    await using other = await opened('other', '2');
    const answers = await waitFor(async () => {
      const each = await Promise.all(all.map((one) => much(one, PER_CONNECTION)));
      return each.flat().some((answer) => answer !== 'taken') && each.flat();
    });
    expect(answers.filter((answer) => answer === 'taken').length).toBeLessThan(CONNECTIONS * PER_CONNECTION);
    expect(await other.publish()).toBe('taken');
    await servedAgain(all[0]!);
  });
});

test('HTTP: event streams of one principal: 429 for one too many, until another ends', async () => {
  const url = `http://127.0.0.1:${ports.http}/v1/stream?filter=limits`;
  const stream = async () => {
    const end = new AbortController();
    const headers = { authorization: authorization('http-full') };
    return { answer: await fetch(url, { headers, signal: end.signal }), end: () => end.abort() };
  };
  const streams = [];
  for (let i = 0; i < CONNECTIONS; i++) streams.push(await stream());
  expect(streams.map(({ answer }) => answer.status)).toEqual(Array(CONNECTIONS).fill(200));
  const { answer: tooMany } = await stream();
  expect(tooMany.status).toBe(429);
  expect(tooMany.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(await tooMany.json()).toMatchObject({ code: 'quota.exceeded' });
  streams[0]!.end();
  const next = await waitFor(async () => {
    const one = await stream();
    return one.answer.status === 200 && one;
  });
  for (const { end } of [...streams, next]) end();
});

test('WebSocket: connections of one principal: one too many is closed with why, until another ends', async () => {
  await using held = new AsyncDisposableStack();
  const [first] = await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, i) => held.use(await openWebSocket('ws-full', String(i)))),
  );
  const headers = { authorization: authorization('ws-full') };
  const tooMany = new WebSocket(`ws://127.0.0.1:${ports.ws}/?clientId=ws-full-x`, 'trivium.v1', { headers });
  const [code, reason] = (await once(tooMany, 'close')) as [number, Buffer];
  expect([code, String(reason)]).toEqual([1008, expect.stringMatching(/^quota.exceeded: /)]);
  await first![Symbol.asyncDispose]();
  const next = await waitFor(() => openWebSocket('ws-full', 'x'));
  await next[Symbol.asyncDispose]();
});
