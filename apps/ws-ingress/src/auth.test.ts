import { once } from 'node:events';
import { generateKeyPairSync, sign } from 'node:crypto';
import { handClock } from '@trivium/clock';
import { AuditRecord, decodeJson } from '@trivium/contracts';
import {
  createApiKey,
  storeCredential,
  storePolicy,
  type AuthConfig,
  type CredentialChange,
} from '@trivium/identity';
import { startNats, tempDir, waitFor, type NatsServer } from '@trivium/testing';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectAsync, type IClientOptions } from 'mqtt';
import { WebSocket, type ClientOptions } from 'ws';
import { connect, startDoor, type DoorUnderTest, type JsonClient } from './door-under-test.ts';
import { answerTo, upgradeRequest } from './upgrade-request.fixture.ts';

const CHEAP = { memoryKiB: 1_024, passes: 1 };
const AUTHOR = { principal: 'root', service: 'test' };
const { privateKey, publicKey } = generateKeyPairSync('ed25519');

/** A JWT of a user of group `site-a`. */
function jwt(name: string, lifeMs: number): string {
  const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');
  const exp = Math.floor((Date.now() + lifeMs) / 1_000);
  const signed = `${part({ alg: 'EdDSA', kid: 'k' })}.${part({ sub: name, groups: ['site-a'], exp })}`;
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
}

let nats: NatsServer;
let dir: Awaited<ReturnType<typeof tempDir>>;
/** Nobody gets in anonymously. */
let door: DoorUnderTest;
/** Who shows nothing is anonymous. */
let open: DoorUnderTest;
let key = '';
let withTokens: Partial<AuthConfig>;

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
const basic = (name: string, password = 'secret'): ClientOptions => ({
  headers: { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` },
});
const as = (name: string, path = '/') => connect(`${door.url}${path}`, basic(name));
const named = (token: string): string => `trivium.token.${Buffer.from(token).toString('base64url')}`;

interface Bare extends AsyncDisposable {
  readonly ws: WebSocket;
  readonly frames: Record<string, unknown>[];
  closing(): Promise<{ code: number; reason: string }>;
}

/** A client that offers what it likes. */
async function bare(url: string, offered: string[], ...first: unknown[]): Promise<Bare> {
  const ws = new WebSocket(url, offered);
  const frames: Record<string, unknown>[] = [];
  let closed: { code: number; reason: string } | undefined;
  ws.on('message', (data: Buffer) => void frames.push(JSON.parse(data.toString())));
  ws.on('close', (code, reason) => (closed = { code, reason: reason.toString() }));
  await once(ws, 'open');
  for (const frame of first) ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  return {
    ...{ ws, frames },
    closing: () => waitFor(() => closed, { timeoutMs: 30_000 }),
    async [Symbol.asyncDispose]() {
      ws.terminate();
      await waitFor(() => closed);
    },
  };
}
const greeting = ({ frames }: Bare) => waitFor(() => frames[0], { timeoutMs: 30_000 });

beforeAll(async () => {
  nats = await startNats();
  dir = await tempDir();
  const keys = `${dir.path}/jwks.json`;
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'EdDSA', use: 'sig' };
  await writeFile(keys, JSON.stringify({ keys: [jwk] }));
  const config = { issuer: '', audience: '', nameClaim: 'sub', groupsClaim: 'groups' };
  withTokens = { required: true, argon2: CHEAP, jwt: { keys, ...config } };
  door = await startDoor(nats.url, { auth: withTokens });
  open = await startDoor(nats.url, { auth: { argon2: CHEAP } });
  await policy('site-a', { publish: 'site-a/#', subscribe: '#', receive: 'site-a/#', command: 'cmd/lamp/+' });
  await policy('site-b', { publish: '#', retain: '#', subscribe: 'site-b/+', receive: '#' });
  await user({ name: 'pump' });
  await user({ name: 'a', groups: ['site-a'] });
  await user({ name: 'b', groups: ['site-b'] });
  ({ key } = await createApiKey(door.bus, { name: 'app', groups: ['site-a'] }, AUTHOR));
  for (const { identity } of [door, open]) {
    const source = { address: '127.0.0.1', loopback: true };
    const known = async () => (await identity!.signIn({ by: 'token', token: key }, source)).ok;
    await waitFor(known, { timeoutMs: 30_000 });
  }
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await open[Symbol.asyncDispose]();
  await nats[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

describe('who a client is', () => {
  test('is said in the header, which is answered with 401 when it is not true', async () => {
    await using client = await as('pump');
    expect(await client.seen({ op: 'ok' })).toMatchObject({ clientId: expect.stringMatching(/^ws-/) });
    const refused = async (...headers: string[]): Promise<string> =>
      answerTo(door.port, upgradeRequest(['Sec-WebSocket-Protocol: trivium.v1', ...headers]));
    const wrong = await refused('Authorization: Bearer nothing');
    expect(wrong).toMatch(/^HTTP\/1\.1 401 /);
    expect(wrong).toContain('WWW-Authenticate: Basic realm="trivium", Bearer\r\n');
    expect(wrong).toContain('"code":"auth.failed"');
    expect(await refused('Authorization: Digest x')).toMatch(/^HTTP\/1\.1 401 /);
  });

  test('is said among the subprotocols, which are not answered with it', async () => {
    await using client = await bare(door.url, [named(key), 'trivium.v1']);
    expect(client.ws.protocol).toBe('trivium.v1');
    expect(await greeting(client)).toMatchObject({ op: 'ok' });
  });

  test('is said in the address', async () => {
    await using client = await connect(`${door.url}/?access_token=${key}&clientId=app-1`);
    expect(await client.seen({ op: 'ok' })).toMatchObject({ clientId: 'app-1' });
  });

  test.each([
    ['a token', () => ({ token: key })],
    ['a JWT', () => ({ token: jwt('somebody', 60_000) })],
    ['a password', () => ({ user: 'pump', password: 'secret' })],
  ])('is said in the first frame, by %s; before that nothing is', async (_what, proof) => {
    await using client = await bare(`${door.url}/?clientId=pump`, ['trivium.v1']);
    await using other = await bare(`${open.url}/?clientId=anybody`, ['trivium.v1']);
    await greeting(other);
    expect(client.frames).toEqual([]);
    client.ws.send(JSON.stringify({ op: 'auth', id: 1, ...proof() }));
    client.ws.send(JSON.stringify({ op: 'ping', id: 2 }));
    await waitFor(() => client.frames.length >= 2, { timeoutMs: 30_000 });
    expect(client.frames).toMatchObject([
      { op: 'ok', id: 1, clientId: 'pump', pos: expect.any(Number) },
      { op: 'pong', id: 2 },
    ]);
  });

  test('is waited for also where anonymous clients are let in, when it says that it comes', async () => {
    await using anonymous = await bare(open.url, ['trivium.v1']);
    expect(await greeting(anonymous)).toMatchObject({ op: 'ok' });
    await using client = await bare(open.url, ['trivium.v1', 'trivium.auth'], {
      ...{ op: 'auth', user: 'pump', password: 'wrong' },
    });
    expect(await client.closing()).toMatchObject({ code: 4401 });
    expect(client.ws.protocol).toBe('trivium.v1');
  });

  test.each([
    ['a frame of another kind', [{ op: 'pub', topic: 'a', payload: 'x', qos: 1 }], 4401, /^auth.required: /],
    ['no frame', ['hello'], 4401, /^auth.required: /],
    ['a wrong password', [{ op: 'auth', user: 'pump', password: 'no' }], 4401, /^auth.failed: /],
    ['half a password', [{ op: 'auth', user: 'pump' }], 1002, /^protocol.malformed: /],
  ])('%s instead closes', async (_what, frames, code, reason) => {
    const before = await door.bus.lastPos('MESSAGES');
    await using client = await bare(door.url, ['trivium.v1'], ...frames);
    expect(await client.closing()).toEqual({ code, reason: expect.stringMatching(reason) });
    expect(client.frames.filter(({ op }) => op !== 'err')).toEqual([]);
    expect(await door.bus.lastPos('MESSAGES')).toBe(before);
  });

  test('what a web page says is refused by a close code, the only thing that it hears', async () => {
    await using wrong = await bare(door.url, ['trivium.v1', named('nothing')]);
    expect(await wrong.closing()).toMatchObject({
      code: 4401,
      reason: expect.stringMatching(/^auth.failed: /),
    });
    const token = named(jwt('pump', 60_000));
    await using denied = await bare(`${door.url}/?clientId=another`, ['trivium.v1', token]);
    expect(await denied.closing()).toMatchObject({ code: 4403 });
  });

  test('nothing in time closes', async () => {
    const time = handClock(Date.now());
    await using slow = await startDoor(nats.url, { auth: { required: true }, clock: time });
    await using client = await bare(slow.url, ['trivium.v1']);
    time.advance(9_999);
    expect(client.ws.readyState).toBe(WebSocket.OPEN);
    time.advance(1);
    expect(await client.closing()).toMatchObject({ code: 4401 });
  });

  test('is shown again to go on, by the same and by nobody else', async () => {
    const time = handClock(Date.now());
    const config = { pingIntervalMs: 3_600_000 };
    await using aging = await startDoor(nats.url, { auth: withTokens, clock: time, config });
    const headers = { authorization: `Bearer ${jwt('mayfly', 1_800_000)}` };
    await using client = await connect(aging.url, { headers });
    await using ends = await connect(aging.url, { headers });
    expect(await client.ask({ op: 'auth', token: jwt('a', 3_600_000) })).toMatchObject({
      ...{ op: 'err', code: 'auth.denied' },
    });
    expect(await client.ask({ op: 'auth', token: 'nothing' })).toMatchObject({
      op: 'err',
      code: 'auth.failed',
    });
    expect(await client.ask({ op: 'auth', token: jwt('mayfly', 36_000_000) })).toMatchObject({ op: 'ok' });
    time.advance(3_000_000);
    expect(await waitFor(() => ends.closed, { timeoutMs: 30_000 })).toMatchObject({ code: 4403 });
    expect(await client.ask({ op: 'ping' })).toMatchObject({ op: 'pong' });
  });
});

describe('what it may do', () => {
  test('publish and retain', async () => {
    await using a = await as('a');
    expect(await a.ask({ op: 'pub', topic: 'site-a/x', payload: 1, qos: 1 })).toMatchObject({ op: 'ok' });
    for (const frame of [
      { topic: 'site-b/x', qos: 1 },
      { topic: 'site-a/x', qos: 1, retain: true },
      { topic: 'site-b/x', qos: 0 },
    ])
      expect(await a.ask({ op: 'pub', payload: 1, ...frame })).toMatchObject({
        op: 'err',
        code: 'auth.denied',
      });
  });

  test('a filter that it may not have is refused, and named', async () => {
    await using b = await as('b');
    const filters = [{ filter: 'site-b/x', qos: 1 }, 'site-b/#'];
    expect(await b.ask({ op: 'sub', filters })).toMatchObject({
      ...{ op: 'err', code: 'auth.denied', message: expect.stringContaining('site-b/#') },
    });
    expect(await b.ask({ op: 'sub', filters: ['site-b/x'] })).toMatchObject({ op: 'ok', granted: [0] });
  });

  test('what others have reaches it by no wildcard: live, durable, retained, or gone on from', async () => {
    await using a = await as('a');
    await using again = await as('a');
    await using b = await as('b');
    const from = await door.bus.lastPos('MESSAGES');
    const pub = (topic: string, payload: string, more = {}) =>
      b.ask({ op: 'pub', topic, payload, qos: 1, ...more });
    await pub('site-b/kept', 'b kept', { retain: true });
    await pub('site-a/kept', 'a kept', { retain: true });
    await a.ask({ op: 'sub', filters: [{ filter: '#', qos: 1 }] });
    await again.ask({ op: 'sub', filters: [{ filter: '#', qos: 1 }], from, retained: true });
    for (const qos of [0, 1]) {
      await pub('site-b/new', `b ${qos}`, { qos });
      await pub('site-a/new', `a ${qos}`, { qos });
    }
    for (const client of [a, again]) {
      await client.seen({ payload: 'a kept', retain: client === a });
      await client.seen({ payload: 'a 0' });
      await client.seen({ payload: 'a 1' });
    }
    const heard = (client: JsonClient) => client.frames.filter(({ op }) => op === 'msg');
    for (const { topic } of [...heard(a), ...heard(again)]) expect(topic).toMatch(/^site-a\//);
  });

  test('commands, which are written down', async () => {
    await using lamp = await connect(`${open.url}/?clientId=lamp`);
    await lamp.seen({ op: 'ok' });
    await using a = await as('a');
    await using pump = await as('pump');
    const cmd = { op: 'cmd', device: 'lamp', name: 'on', timeoutMs: 60_000 };
    expect(await pump.ask(cmd)).toMatchObject({ op: 'err', code: 'auth.denied' });
    a.send({ ...cmd, id: 7 });
    const { id } = await lamp.seen({ op: 'cmd', name: 'on' });
    lamp.send({ op: 'reply', id: id as string, payload: 'lit' });
    await a.seen({ op: 'reply', id: 7, payload: 'lit' });
    await waitFor(async () => {
      const last = await door.bus.lastPos('AUDIT');
      const all = await Promise.all(Array.from({ length: last }, (_, i) => door.bus.read('AUDIT', i + 1)));
      const records = all.map((message) => decodeJson(AuditRecord, message!.data));
      return records.some(
        (record) =>
          record.ok &&
          record.value.kind === 'command' &&
          record.value.principal === 'a' &&
          record.value.object === 'cmd/lamp/on',
      );
    });
  });

  test('the ids that it may have', async () => {
    await using own = await as('pump', '/?clientId=pump-7');
    expect(await own.seen({ op: 'ok' })).toMatchObject({ clientId: 'pump-7' });
    const headers = [
      'Sec-WebSocket-Protocol: trivium.v1',
      `Authorization: ${basic('pump').headers!['authorization']}`,
    ];
    expect(await answerTo(door.port, upgradeRequest(headers, '/?clientId=other'))).toMatch(
      /^HTTP\/1\.1 403 /,
    );
  });
});

describe('by MQTT', () => {
  test('it is who the request proved to be, or who CONNECT says', async () => {
    const wsOptions = basic('pump');
    const of = (how: IClientOptions) =>
      connectAsync(door.url, { protocolVersion: 5, reconnectPeriod: 0, clientId: 'pump-1', ...how });
    for (const how of [{ wsOptions }, { username: 'pump', password: 'secret' }]) {
      const client = await of(how);
      const sessions = door.bus.bucket('sessions');
      const record = JSON.parse(Buffer.from((await sessions.get('pump-1'))!.value).toString());
      expect(record).toMatchObject({ principal: 'pump' });
      await expect(client.publishAsync('cmd/x', 'x', { qos: 1 })).rejects.toMatchObject({ code: 0x87 });
      await client.endAsync();
    }
    const wrong = `Authorization: ${basic('pump', 'wrong').headers!['authorization']}`;
    const refused = await answerTo(door.port, upgradeRequest(['Sec-WebSocket-Protocol: mqtt', wrong]));
    expect(refused).toMatch(/^HTTP\/1\.1 401 /);
    await expect(of({})).rejects.toMatchObject({ code: 0x87 });
  });

  test('an id with a session of somebody else is not to be had', async () => {
    const mqtt = await connectAsync(door.url, {
      ...{ protocolVersion: 5, reconnectPeriod: 0, clientId: 'pump-2', wsOptions: basic('pump') },
    });
    const headers = ['Sec-WebSocket-Protocol: trivium.v1', `Authorization: Bearer ${key}`];
    const refused = await answerTo(door.port, upgradeRequest(headers, '/?clientId=pump-2'));
    expect(refused).toMatch(/^HTTP\/1\.1 403 /);
    await using own = await as('pump', '/?clientId=pump-2');
    expect(await own.seen({ op: 'ok' })).toMatchObject({ clientId: 'pump-2' });
    await mqtt.endAsync();
  });
});

describe('what it may not do any more ends the connection', () => {
  test.each([
    ['its user is disabled', () => user({ name: 'leaver', disabled: true })],
    ['its password is another', () => user({ name: 'leaver', password: 'other' })],
    ['its filter is not allowed', () => policy('leavers', { subscribe: 'b', receive: '#' })],
  ])(
    '%s',
    async (_what, change) => {
      await policy('leavers', { subscribe: '#', receive: '#' });
      await user({ name: 'leaver', groups: ['leavers'], disabled: false });
      const enter = () => as('leaver').catch(() => undefined);
      const client = (await waitFor(enter, { timeoutMs: 60_000, intervalMs: 500 }))!;
      await using _client = client;
      await waitFor(async () => (await client.ask({ op: 'sub', filters: ['a'] }))['op'] === 'ok');
      await change();
      expect(await waitFor(() => client.closed, { timeoutMs: 30_000 })).toMatchObject({ code: 4403 });
      expect(door.door.stats.closed['4403']).toBeGreaterThan(0);
    },
    90_000,
  );
});

test('what comes too fast is refused with when to come back', async () => {
  await using limited = await startDoor(nats.url, {
    limits: { messagesPerSecond: 2, connectionsPerPrincipal: 2 },
  });
  await using client = await connect(limited.url);
  const answers: Record<string, unknown>[] = [];
  for (let i = 0; i < 100 && answers.at(-1)?.['op'] !== 'err'; i++)
    answers.push(await client.ask({ op: 'pub', topic: 't', payload: i }));
  expect(answers.at(-1)).toMatchObject({ code: 'rate.limited', retryAfterMs: expect.any(Number) });
  expect(limited.door.stats.publishesLimited).toBe(1);
  await using _second = await connect(limited.url);
  await using third = await bare(limited.url, ['trivium.v1']);
  expect(await third.closing()).toMatchObject({
    code: 1008,
    reason: expect.stringMatching(/^quota.exceeded: /),
  });
});
