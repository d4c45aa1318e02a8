import { once } from 'node:events';
import { handClock } from '@trivium/clock';
import { AuditRecord, decodeJson } from '@trivium/contracts';
import { createApiKey, storeCredential, storePolicy, type CredentialChange } from '@trivium/identity';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { EventSource } from 'eventsource';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStream, startDoor, type DoorUnderTest, type StreamReader } from './door-under-test.ts';

const CHEAP = { memoryKiB: 1_024, passes: 1 };
const AUTHOR = { principal: 'root', service: 'test' };
const TENANTS = { publish: 'site-a/#', subscribe: '#', receive: 'site-a/#' };

let nats: NatsServer;
let door: DoorUnderTest;
const logged: string[] = [];

const user = (change: CredentialChange) =>
  storeCredential(door.bus, { password: 'secret', ...change }, AUTHOR, { cost: CHEAP });
const policy = (name: string, topics: Record<string, string>) =>
  storePolicy(
    door.bus,
    {
      ...{ v: 1, name, groups: [name] },
      statements: [
        { effect: 'allow', actions: ['connect'], clients: ['*'] },
        ...Object.entries(topics).map(([action, topic]) => ({
          ...{ effect: 'allow', actions: [action], topics: [topic] },
        })),
      ],
    },
    AUTHOR,
  );
const basic = (name: string, password = 'secret') => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});
const ask = async (method: string, path: string, headers: Record<string, string> = {}, body?: string) => {
  const init = { method, headers, ...(body === undefined ? {} : { body }) };
  const response = await fetch(door.url + path, init);
  const text = await response.text();
  const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.status, headers: response.headers, text, json };
};
const publish = (name: string, topic: string, payload = 'x', query = 'qos=1') =>
  ask('POST', `/topics/${topic}?${query}`, basic(name), payload);
/** Doors hear of what is stored a moment later. */
const until = async (status: number, asked: () => Promise<{ status: number }>): Promise<void> =>
  void (await waitFor(async () => (await asked()).status === status, { timeoutMs: 30_000 }));
const ended = (stream: StreamReader) => waitFor(() => stream.ended, { timeoutMs: 30_000 });

beforeAll(async () => {
  nats = await startNats();
  const line = (fields: object, message: string): void =>
    void logged.push(`${JSON.stringify(fields)} ${message}`);
  door = await startDoor(nats.url, {
    auth: { required: true, argon2: CHEAP },
    logger: { debug: line, info: line, warn: line, error: line },
    config: { origins: ['*'] },
  });
  await policy('site-a', TENANTS);
  await policy('site-b', { publish: 'site-b/#', retain: 'site-b/#', subscribe: '#', receive: 'site-b/#' });
  await policy('narrow', { subscribe: 'site-a/+', receive: 'site-a/#' });
  await policy('callers', { command: 'cmd/pump/+' });
  await user({ name: 'root', groups: ['administrators'] });
  await user({ name: 'pump' });
  await user({ name: 'a', groups: ['site-a'] });
  await user({ name: 'b', groups: ['site-b'] });
  await user({ name: 'narrow', groups: ['narrow'] });
  await user({ name: 'caller', groups: ['callers'] });
  await user({ name: 'operator', groups: ['operators'] });
  await until(200, () => ask('GET', '/v1/devices', basic('root')));
  await until(409, () => ask('POST', '/v1/devices/pump/commands/x', basic('operator')).then(notFound));
});
/** 404 says that it was let in, too. */
const notFound = ({ status }: { status: number }) => ({ status: status === 404 ? 409 : status });
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await nats[Symbol.asyncDispose]();
});

describe('who a request is from', () => {
  test('without credentials it is refused, and told by what they may be shown', async () => {
    for (const path of ['/v1/devices', '/asyncapi.json', '/retainedMessage', '/v1/stream?filter=a']) {
      const { status, headers, json } = await ask('GET', path);
      expect([path, status, json['code']]).toEqual([path, 401, 'auth.required']);
      expect(headers.get('www-authenticate')).toBe('Basic realm="trivium", Bearer');
    }
    expect((await ask('POST', '/topics/a', {}, 'x')).headers.get('x-amzn-errortype')).toBe(
      'UnauthorizedException',
    );
  });

  test('the description of the API is for everybody, and says by what', async () => {
    const { status, json } = await ask('GET', '/openapi.json');
    expect(status).toBe(200);
    expect(json).toMatchObject({
      security: [{ basic: [] }, { bearer: [] }, { certificate: [] }],
      paths: {
        '/v1/stream': {
          get: { security: [{ basic: [] }, { bearer: [] }, { accessToken: [] }, { certificate: [] }] },
        },
      },
      components: { securitySchemes: { basic: { scheme: 'basic' }, bearer: { scheme: 'bearer' } } },
    });
    expect((await ask('GET', '/docs/static/index.html')).status).toBe(200);
  });

  test.each([
    ['a wrong password', basic('pump', 'wrong')],
    ['an unknown user', basic('nobody', 'secret')],
    ['no password', { authorization: `Basic ${Buffer.from('pump').toString('base64')}` }],
    ['no base64', { authorization: 'Basic %%%' }],
    ['another scheme', { authorization: 'Digest x' }],
    ['a scheme alone', { authorization: 'Bearer' }],
    ['a made-up key', { authorization: `Bearer tvk_abcdefghijkl_${'x'.repeat(43)}` }],
  ])('%s is refused with 401', async (_what, headers) => {
    const { status, json } = await ask('GET', '/retainedMessage', headers);
    expect([status, json['code']]).toEqual([401, 'auth.failed']);
  });

  test('a password, an API key, and the key in the query of a stream, which is in no log', async () => {
    const { key } = await createApiKey(door.bus, { name: 'app', groups: ['administrators'] }, AUTHOR);
    await until(200, () => ask('GET', '/v1/devices', { authorization: `bearer ${key}` }));
    expect((await ask('GET', `/v1/devices?access_token=${key}`)).status).toBe(401);
    await using stream = await openStream(`${door.url}/v1/stream?filter=a&access_token=${key}`);
    expect(stream.response.status).toBe(200);
    const source = new EventSource(`${door.url}/v1/stream?filter=eventsource&access_token=${key}`);
    const heard = once(source, 'message');
    await once(source, 'open');
    await publish('root', 'eventsource', 'heard');
    expect(((await heard)[0] as { data: string }).data).toContain('heard');
    source.close();
    expect((await ask('GET', '/v1/stream?filter=a&access_token=tvk_no')).status).toBe(401);
    expect((await ask('GET', '/v1/stream?filter=a&access_token=a&access_token=b')).status).toBe(401);
    expect(logged.join('\n')).toContain('/v1/stream');
    expect(logged.join('\n')).not.toContain(key);
  });

  test('a preflight, which shows nothing, is answered', async () => {
    const { status, headers } = await ask('OPTIONS', '/v1/messages', {
      ...{ origin: 'https://app.example', 'access-control-request-method': 'POST' },
      'access-control-request-headers': 'authorization',
    });
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-headers')).toContain('authorization');
  });

  test('its client id is the name of its principal unless it says another one that it may be', async () => {
    const publisherOf = async (headers: Record<string, string>): Promise<unknown> => {
      const answer = await ask('POST', '/topics/t?qos=1', headers, 'x');
      if (answer.status !== 200) return answer.json['code'];
      const stored = await door.bus.read('MESSAGES', Number(answer.headers.get('x-trivium-pos')));
      return stored!.subject.split('.')[3];
    };
    expect(await publisherOf(basic('pump'))).toBe('pump');
    expect(await publisherOf({ ...basic('pump'), 'x-client-id': 'pump-7' })).toBe('pump-7');
    expect(await publisherOf({ ...basic('pump'), 'x-client-id': 'other' })).toBe('auth.denied');
  });
});

describe('what it may do', () => {
  test('publish and retain', async () => {
    expect((await publish('a', 'site-a/x')).status).toBe(200);
    const denied = await publish('a', 'site-b/x');
    expect([denied.status, denied.json['code']]).toEqual([403, 'auth.denied']);
    expect((await publish('a', 'site-a/x', 'x', 'retain=1')).json['code']).toBe('auth.denied');
    expect((await publish('b', 'site-b/kept', 'x', 'retain=1')).status).toBe(200);
    expect(door.door.stats.publishesDenied).toBe(2);
  });

  test('in a batch each message has its own answer', async () => {
    const batch = ['site-a/1', 'site-b/2', 'site-a/3'].map((topic) => ({ topic, payload: 'x', qos: 1 }));
    const headers = { ...basic('a'), 'content-type': 'application/json' };
    const { status, json } = await ask('POST', '/v1/messages', headers, JSON.stringify(batch));
    expect(status).toBe(207);
    expect(json['results']).toMatchObject([{ ok: true }, { ok: false, code: 'auth.denied' }, { ok: true }]);
  });

  test('a stream of a filter that it may not have is refused, and says which', async () => {
    const { status, json } = await ask(
      'GET',
      '/v1/stream?filter=site-a/x&filter=site-b/%23',
      basic('narrow'),
    );
    expect([status, json['code']]).toEqual([403, 'auth.denied']);
    expect(json['detail']).toContain('site-b/#');
  });

  test('what others have reaches it by no wildcard: live, durable, retained, or gone on from', async () => {
    const from = await door.bus.lastPos('MESSAGES');
    await publish('b', 'site-b/kept', 'kept', 'retain=1');
    await publish('b', 'site-b/old');
    await publish('a', 'site-a/old', 'old a');
    const url = `${door.url}/v1/stream?filter=%23&retained=1`;
    await using news = await openStream(url, basic('a'));
    await using again = await openStream(url, { ...basic('a'), 'last-event-id': String(from) });
    await using whole = await openStream(url, { ...basic('b'), 'last-event-id': String(from) });
    for (const qos of [0, 1]) {
      await publish('b', 'site-b/new', `b ${qos}`, `qos=${qos}`);
      await publish('a', 'site-a/new', `a ${qos}`, `qos=${qos}`);
    }
    for (const stream of [news, again]) {
      await stream.seen({ payload: 'a 0' });
      await stream.seen({ payload: 'a 1' });
    }
    await whole.seen({ payload: 'b 1' });
    expect(again.payloads()).toContain('old a');
    expect(whole.payloads()).toContain('kept');
    const topics = [...news.events, ...again.events].map(({ data }) => String(data?.['topic'] ?? 'site-a/'));
    expect(topics.filter((topic) => !topic.startsWith('site-a/'))).toEqual([]);
  });

  test('retained messages', async () => {
    await publish('b', 'site-b/kept', 'kept', 'retain=1');
    expect((await ask('GET', '/retainedMessage/site-b/kept', basic('b'))).status).toBe(200);
    expect((await ask('GET', '/retainedMessage/site-b/kept', basic('a'))).status).toBe(403);
    const list = async (name: string): Promise<unknown> =>
      (await ask('GET', '/retainedMessage', basic(name))).json['retainedTopics'];
    expect(await list('b')).toMatchObject([{ topic: 'site-b/kept' }]);
    expect(await list('a')).toEqual([]);
  });

  test('devices: only an administrator, and each itself', async () => {
    const described = { ...basic('root'), 'content-type': 'application/json' };
    expect((await ask('PUT', '/v1/devices/pump', described, '{}')).status).toBe(201);
    expect((await ask('GET', '/v1/devices/pump', basic('pump'))).status).toBe(200);
    for (const [method, path] of [
      ['GET', '/v1/devices'],
      ['GET', '/v1/devices/other'],
      ['PUT', '/v1/devices/pump'],
      ['DELETE', '/v1/devices/pump'],
    ] as const) {
      const headers = method === 'PUT' ? { ...described, ...basic('pump') } : basic('pump');
      const { status } = await ask(method, path, headers, method === 'PUT' ? '{}' : undefined);
      expect([method, path, status]).toEqual([method, path, 403]);
    }
  });

  test('commands, which are written down; what became of one is told who sent it', async () => {
    const send = (name: string, headers = {}) =>
      ask('POST', '/v1/devices/pump/commands/dim?queue=1h', { ...basic(name), ...headers }, '1');
    expect((await send('a')).status).toBe(403);
    const queued = await send('caller', { 'idempotency-key': 'k' });
    expect(queued.status).toBe(202);
    const id = queued.json['requestId'] as string;
    expect((await ask('GET', `/v1/commands/${id}`, basic('caller'))).json).not.toHaveProperty('principal');
    expect((await ask('GET', `/v1/commands/${id}`, basic('operator'))).status).toBe(403);
    expect((await ask('DELETE', `/v1/commands/${id}`, basic('operator'))).status).toBe(403);
    expect((await ask('GET', `/v1/commands/${id}`, basic('root'))).status).toBe(200);
    // Somebody else's answer is not to be had by his key.
    expect((await send('operator', { 'idempotency-key': 'k' })).json['requestId']).not.toBe(id);
    await waitFor(async () => {
      const last = await door.bus.lastPos('AUDIT');
      const all = await Promise.all(Array.from({ length: last }, (_, i) => door.bus.read('AUDIT', i + 1)));
      const records = all.map((message) => decodeJson(AuditRecord, message!.data));
      return records.some(
        (record) =>
          record.ok &&
          record.value.kind === 'command' &&
          record.value.principal === 'caller' &&
          record.value.object === 'cmd/pump/dim' &&
          record.value.client === 'caller' &&
          record.value.address === '127.0.0.1',
      );
    });
  });

  test('a device that asks for its commands is the principal, or what that may be', async () => {
    const waiting = ask('GET', '/v1/devices/me/commands?wait=60s', basic('pump'));
    await waitFor(() => door.door.pollingDevices === 1);
    const answer = ask('POST', '/v1/devices/pump/commands/go?timeout=60s', basic('caller'), 'now');
    const [command] = (await waiting).json['commands'] as { requestId: string; name: string }[];
    expect(command).toMatchObject({ name: 'go', payload: 'now' });
    const other = { ...basic('root'), 'x-client-id': 'pump' };
    expect((await ask('GET', '/v1/devices/me/commands?wait=0s', other)).status).toBe(403);
    await ask('POST', `/v1/devices/me/commands/${command!.requestId}/reply`, basic('pump'), 'done');
    expect((await answer).text).toBe('done');
  });
});

describe('what it may not do any more', () => {
  test('ends a stream: its user is disabled', async () => {
    await user({ name: 'leaver', groups: ['site-a'] });
    await until(200, () => publish('leaver', 'site-a/x'));
    await using stream = await openStream(`${door.url}/v1/stream?filter=site-a/%23`, basic('leaver'));
    await user({ name: 'leaver', disabled: true });
    await ended(stream);
    expect(stream.events.at(-2)).toMatchObject({ event: 'denied', data: { code: 'auth.denied' } });
    expect((await publish('leaver', 'site-a/x')).status).toBe(401);
    expect(door.door.stats.streamsRevoked).toBeGreaterThan(0);
  });

  test('ends a stream: its filter is not allowed any more; what is left of another goes on', async () => {
    await policy('waning', { subscribe: '#', receive: '#', publish: '#' });
    await user({ name: 'waning', groups: ['waning'] });
    await until(200, () => publish('waning', 'site-a/x'));
    await using all = await openStream(`${door.url}/v1/stream?filter=%23`, basic('waning'));
    await using some = await openStream(`${door.url}/v1/stream?filter=site-a/%23`, basic('waning'));
    await policy('waning', { subscribe: 'site-a/#', receive: 'site-a/y', publish: '#' });
    await ended(all);
    await publish('a', 'site-a/x', 'not this');
    await publish('a', 'site-a/y', 'this');
    await some.seen({ payload: 'this' });
    expect(some.payloads()).not.toContain('not this');
  });

  test('ends a stream: its key has an end', async () => {
    const clock = handClock(Date.now());
    const expiresAt = clock.now() + 3_600_000;
    const { key } = await createApiKey(door.bus, { name: 'tour', groups: ['site-a'], expiresAt }, AUTHOR);
    await using aging = await startDoor(nats.url, { auth: { required: true }, clock });
    await using stream = await openStream(`${aging.url}/v1/stream?filter=a&access_token=${key}`);
    expect(stream.response.status).toBe(200);
    clock.advance(3_600_000);
    await ended(stream);
    expect(stream.events.at(-2)).toMatchObject({ event: 'denied' });
  });

  test('ends the wait for commands', async () => {
    await user({ name: 'gone' });
    await until(200, () => ask('GET', '/v1/devices/me/commands?wait=0s', basic('gone')));
    const { requests } = door.door.stats;
    const waiting = ask('GET', '/v1/devices/me/commands?wait=120s', basic('gone'));
    await waitFor(() => door.door.stats.requests > requests);
    await user({ name: 'gone', disabled: true });
    expect((await waiting).status).toBe(403);
  });
});

test('a caller publishes no faster than it may, alone or in batches', async () => {
  await using limited = await startDoor(nats.url, { limits: { messagesPerSecond: 2 } });
  const post = (client: string) =>
    fetch(`${limited.url}/topics/t`, { method: 'POST', body: 'x', headers: { 'x-client-id': client } });
  const answers = [];
  for (let i = 0; i < 100 && answers.at(-1)?.status !== 429; i++) answers.push(await post('fast'));
  expect(answers.at(-1)!.status).toBe(429);
  expect(answers.at(-1)!.headers.get('retry-after')).toBe('1');
  expect((await post('slow')).status).toBe(200);
  const batch = JSON.stringify(Array.from({ length: 50 }, () => ({ topic: 't', payload: 1 })));
  const headers = { 'content-type': 'application/json', 'x-client-id': 'batch' };
  const answer = await fetch(`${limited.url}/v1/messages`, { method: 'POST', body: batch, headers });
  const { results } = (await answer.json()) as { results: { ok: boolean; code?: string }[] };
  expect(results.slice(0, 2)).toEqual([{ ok: true }, { ok: true }]);
  expect(results.filter(({ code }) => code === 'rate.limited').length).toBeGreaterThan(0);
});
