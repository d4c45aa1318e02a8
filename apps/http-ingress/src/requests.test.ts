import { connect } from 'node:net';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDoor, type DoorUnderTest } from './door-under-test.ts';

let nats: NatsServer;
let door: DoorUnderTest;
let logged: Record<string, unknown>[] = [];
const keep = (fields: object): void => void logged.push(fields as Record<string, unknown>);
beforeAll(async () => {
  nats = await startNats();
  door = await startDoor(nats.url, {
    logger: { debug: keep, info: keep, warn: keep, error: keep },
    config: { maxUrlBytes: 2_000 },
  });
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await nats.stop();
});

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whatever went wrong is told as problem details of RFC 9457. */
async function problemOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem = (await response.json()) as Record<string, unknown>;
  expect(problem).toMatchObject({
    type: 'about:blank',
    title: expect.any(String),
    status: response.status,
    detail: expect.any(String),
    code: expect.any(String),
    requestId: response.headers.get('x-request-id'),
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  return problem;
}

describe('an address', () => {
  test.each([
    ['GET', '/nothing'],
    ['POST', '/v1'],
    ['GET', '/v1/devices/a/b'],
    ['DELETE', '/topic/a'],
  ])('%s %s: there is nothing, 404', async (method, path) => {
    const response = await fetch(door.url + path, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([404, null]);
    expect(await problemOf(response)).toMatchObject({ code: 'not-found' });
  });

  test.each([
    ['GET', '/topics/a/b', 'POST'],
    ['PUT', '/v1/messages', 'POST'],
    ['POST', '/v1/devices', 'GET, HEAD'],
    ['POST', '/v1/devices/a', 'DELETE, GET, HEAD, PUT'],
    ['POST', '/v1/stream?filter=a', 'GET'],
    ['HEAD', '/v1/stream?filter=a', 'GET'],
    ['HEAD', '/v1/devices/me/commands', 'GET'],
    ['POST', '/retainedMessage/a/b', 'GET, HEAD'],
    ['DELETE', '/openapi.json', 'GET, HEAD'],
  ])('%s %s: 405, and what is allowed [RFC9110-15.5.6]', async (method, path, allow) => {
    const response = await fetch(door.url + path, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
    if (method !== 'HEAD') await problemOf(response);
  });

  test('that is too long is refused with 414', async () => {
    const response = await fetch(`${door.url}/v1/stream?filter=${'a'.repeat(2_000)}`);
    expect(response.status).toBe(414);
    expect(await problemOf(response)).toMatchObject({ code: 'protocol.malformed' });
  });

  test('HEAD answers as GET does, without a body [RFC9110-9.3.2]', async () => {
    for (const path of ['/v1/devices', '/retainedMessage', '/openapi.json', '/docs/']) {
      const response = await fetch(door.url + path, { method: 'HEAD' });
      expect([path, response.status, await response.text()]).toEqual([path, 200, '']);
    }
    expect((await fetch(`${door.url}/v1/devices/nobody`, { method: 'HEAD' })).status).toBe(404);
  });
});

describe('a request', () => {
  const ask = (id?: string, path = '/v1/devices'): Promise<Response> =>
    fetch(door.url + path, { headers: id === undefined ? {} : { 'x-request-id': id } });

  test('has an id of its own, or the one that it came with', async () => {
    const ids = await Promise.all([ask(), ask(), ask('trace/7.a:b=c')]);
    const [one, other, given] = ids.map(({ headers }) => headers.get('x-request-id'));
    expect([one, other]).toEqual([expect.stringMatching(UUID), expect.stringMatching(UUID)]);
    expect(one).not.toBe(other);
    expect(given).toBe('trace/7.a:b=c');
    expect(await problemOf(await ask('mine', '/nothing'))).toMatchObject({ requestId: 'mine' });
  });

  test.each(['', 'two words', '<script>', 'x'.repeat(129)])(
    'an id like %.12j is not taken over',
    async (id) => {
      expect((await ask(id)).headers.get('x-request-id')).toMatch(UUID);
    },
  );

  test('is in the log by its id, without its query', async () => {
    logged = [];
    await ask('to-be-found', '/nothing?access_token=secret');
    const line = await waitFor(() => logged.find(({ requestId }) => requestId === 'to-be-found'));
    expect(line).toMatchObject({ method: 'GET', path: '/nothing', status: 404, tookMs: expect.any(Number) });
    expect(JSON.stringify(logged)).not.toContain('secret');
  });

  test('that the hub fails at is in the log by its id, with the reason', async () => {
    await using broken = await startDoor(nats.url, {
      logger: { debug() {}, info() {}, warn() {}, error: keep },
    });
    broken.bus.bucket('devices').get = () => Promise.reject(new Error('the reason'));
    logged = [];
    const response = await fetch(`${broken.url}/v1/devices/x`, { headers: { 'x-request-id': 'broken-1' } });
    expect(response.status).toBe(500);
    expect(logged).toMatchObject([{ requestId: 'broken-1', err: { message: 'the reason' } }]);
  });
});

describe('more requests than maxRequestsPerSecond', () => {
  test('of one client are refused with 429 and the time to wait; others are not concerned', async () => {
    let nowMs = 1_000_000;
    const clock = { now: () => nowMs, every: () => () => undefined };
    await using slow = await startDoor(nats.url, { config: { maxRequestsPerSecond: 1 }, clock });
    const ask = (id?: string): Promise<Response> =>
      fetch(`${slow.url}/v1/devices`, { headers: id === undefined ? {} : { 'x-client-id': id } });
    expect((await ask('a')).status).toBe(200);
    const refused = await ask('a');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await problemOf(refused)).toMatchObject({ code: 'rate.limited' });
    expect([(await ask('b')).status, (await ask()).status, (await ask()).status]).toEqual([200, 200, 429]);
    nowMs += 1_000;
    expect([(await ask('a')).status, (await ask('a')).status]).toEqual([200, 429]);
  });

  test('are no concern by default', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => fetch(`${door.url}/v1/devices`).then(({ status }) => status)),
    );
    expect(new Set(answers)).toEqual(new Set([200]));
  });
});

describe('a connection', () => {
  /** What the door says on a connection until it closes it, or until `done`. */
  async function talk(port: number, sent: string, done: RegExp | undefined): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.write(sent);
    await new Promise<void>((resolve) => {
      socket.on('data', () => done?.test(text) && resolve());
      socket.once('close', () => resolve());
    });
    socket.destroy();
    return text;
  }

  test('is kept longer than balancers keep theirs, and says so', async () => {
    const answer = await talk(door.port, 'GET /v1/devices HTTP/1.1\r\nHost: x\r\n\r\n', /\}$/);
    expect(Number(/^Keep-Alive: timeout=(\d+)/im.exec(answer)?.[1])).toBeGreaterThan(60);
  });

  test('whose headers do not arrive in headersTimeoutMs is refused with 408', async () => {
    await using strict = await startDoor(nats.url, { config: { headersTimeoutMs: 1_000 } });
    expect(await talk(strict.port, 'GET /v1/devices HTTP/1.1\r\nHost:', undefined)).toMatch(
      /^HTTP\/1.1 408 /,
    );
  });
});
