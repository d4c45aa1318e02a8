import { once } from 'node:events';
import { connect } from 'node:net';
import { createDelivery, type Delivered, type Receiver } from '@trivium/delivery';
import { parseFilter } from '@trivium/contracts';
import { freePort, startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startDoor, type DoorUnderTest } from './door-under-test.ts';

let nats: NatsServer;
let door: DoorUnderTest;
let received: ReturnType<typeof copy>[] = [];
beforeAll(async () => {
  nats = await startNats();
  door = await startDoor(nats.url);
  const take = (message: Delivered): true => {
    received.push(copy(message));
    return true;
  };
  const receiver: Receiver = { id: 'spy', onLive: take, onDurable: take };
  const filter = parseFilter('#');
  if (!filter.ok) throw new Error();
  await door.delivery.attach(receiver).subscribe([{ filter: filter.value, qos: 1 }]);
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await nats.stop();
});
beforeEach(() => {
  received = [];
});

const copy = ({ topic, payload, qos, retain, pos, client, properties }: Delivered) => ({
  topic: topic as string,
  payload: Buffer.from(payload).toString('latin1'),
  qos,
  retain,
  pos,
  client,
  properties,
});

async function arrived() {
  return (await waitFor(() => received[0]))!;
}

const post = (path: string, init: RequestInit = {}) => fetch(door.url + path, { method: 'POST', ...init });

async function problem(response: Response): Promise<{ status: number; code: string; detail: string }> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const body = (await response.json()) as Record<string, unknown>;
  expect(body).toMatchObject({
    type: 'about:blank',
    title: expect.any(String),
    status: response.status,
    requestId: response.headers.get('x-request-id'),
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  return body as { status: number; code: string; detail: string };
}

describe('POST /topics/{topic}', () => {
  test('QoS 1 is answered after storage, with the position', async () => {
    const response = await post('/topics/site/a?qos=1', { body: 'on' });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      message: 'OK',
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    const message = await arrived();
    expect(message).toMatchObject({
      topic: 'site/a',
      payload: 'on',
      qos: 1,
      retain: false,
      client: undefined,
    });
    expect(response.headers.get('x-trivium-pos')).toBe(String(message.pos));
    expect(message.pos).toBeGreaterThan(0);
  });

  test('QoS 0 is the default', async () => {
    const response = await post('/topics/site/b', { body: 'on' });
    expect(response.status).toBe(200);
    expect(await arrived()).toMatchObject({ topic: 'site/b', payload: 'on', qos: 0, pos: 0 });
    expect(response.headers.get('x-trivium-pos')).toBeNull();
  });

  test.each(
    [
      ['a/b/c', 'a/b/c'],
      ['a%2Fb%2fc', 'a/b/c'],
      ['%2Fa', '/a'],
      ['/a', '/a'],
      ['a/', 'a/'],
      ['/', '/'],
      ['//', '//'],
      ['a//b', 'a//b'],
      ['a%20b', 'a b'],
      ['%C3%BC/%F0%9F%94%A5', 'ü/🔥'],
      ['50%25', '50%'],
      ['a%252Fb', 'a%2Fb'],
      ['a+b?x=1', 'a+b'],
      ['$SYS/x', '$SYS/x'],
      ['a;b=1,c', 'a;b=1,c'],
      ['*.>', '*.>'],
      ['a%2F..%2Fb', 'a/../b'],
      ['x'.repeat(4_000), 'x'.repeat(4_000)],
    ].map(([path, topic]) => [path!.slice(0, 40), path!, topic!] as const),
  )('the path %s is its topic', async (_, path, topic) => {
    if (topic === 'a+b')
      return expect((await problem(await post(`/topics/${path}`))).code).toBe('topic.invalid');
    expect((await post(`/topics/${path}`, { body: 'x' })).status).toBe(200);
    if (topic.startsWith('$')) return expect(received).toEqual([]);
    expect((await arrived()).topic).toBe(topic);
  });

  test('a request target in absolute form [RFC9112-3.2.2]', async () => {
    const answer = await raw(
      `POST http://door.example/topics/abs/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect((await arrived()).topic).toBe('abs/x');
  });

  test.each([
    ['application/json', '{"a": 1}'],
    ['text/plain', 'text'],
    ['application/cbor', '\xa1\x61\x61\x01'],
    ['application/json', 'not json at all'],
    ['image/png', '\x89PNG\r\n\x1a\n\0'],
  ])('the body is not touched, whatever its type: %s', async (contentType, text) => {
    const response = await post('/topics/raw', {
      body: Buffer.from(text, 'latin1'),
      headers: { 'content-type': contentType },
    });
    expect(response.status).toBe(200);
    expect(await arrived()).toMatchObject({ payload: text, properties: { contentType } });
  });

  test.each([
    ['a malformed type', 'Content-Type: not a type at all;;;\r\n', 'not a type at all;;;'],
    ['an empty type', 'Content-Type: \r\n', undefined],
    ['no type', '', undefined],
    ['"some bytes"', 'Content-Type: application/octet-stream\r\n', undefined],
    ['what curl says unasked', 'Content-Type: application/x-www-form-urlencoded\r\n', undefined],
  ])('%s is no reason to refuse a body', async (_what, header, contentType) => {
    const answer = await raw(`POST /topics/raw HTTP/1.1\r\nHost: x\r\n${header}Content-Length: 2\r\n`, 'on');
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(await arrived()).toMatchObject({ payload: 'on' });
    expect(received[0]!.properties?.contentType).toBe(contentType);
  });

  test('an empty body, with and without a type or a length', async () => {
    expect(
      (await post('/topics/empty?qos=1', { headers: { 'content-type': 'application/json' } })).status,
    ).toBe(200);
    expect(await raw('POST /topics/empty HTTP/1.1\r\nHost: x\r\n')).toMatch(/^HTTP\/1.1 200 /);
    await waitFor(() => received.length === 2);
    expect(received.map(({ payload }) => payload)).toEqual(['', '']);
  });

  test('a body in chunks', async () => {
    const head = 'POST /topics/chunks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n';
    expect(await raw(head, '2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /);
    expect((await arrived()).payload).toBe('abcde');
  });

  test('what the query and the headers say travels with the message', async () => {
    const before = Date.now();
    const query = 'qos=1&contentType=text%2Fcsv&responseTopic=r%2F1&messageExpiry=60';
    await post(`/topics/props?${query}`, {
      body: 'a,b',
      headers: { 'x-client-id': 'pump.7', 'content-type': 'text/plain' },
    });
    const { client, properties } = await arrived();
    expect(client).toBe('pump.7');
    expect(properties).toMatchObject({ contentType: 'text/csv', responseTopic: 'r/1' });
    expect(properties!.expiresAt! - before).toBeGreaterThanOrEqual(60_000);
    expect(properties!.expiresAt! - Date.now()).toBeLessThanOrEqual(60_000);
  });

  test('what the SDKs for AWS IoT say about a message in headers', async () => {
    const pairs = [{ k: 'ü' }, { k: '2', l: '' }];
    const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
    const properties = {
      userProperties: [
        ['k', 'ü'],
        ['k', '2'],
        ['l', ''],
      ],
      payloadFormat: 1,
      correlationData: new Uint8Array([0, 255]),
    };
    // One SDK sends the array, another one a string that holds it.
    for (const written of [base64(pairs), base64(JSON.stringify(pairs))]) {
      received = [];
      const response = await post('/topics/aws?qos=1', {
        headers: {
          'x-amz-mqtt5-user-properties': written,
          'x-amz-mqtt5-payload-format-indicator': 'UTF8_DATA',
          'x-amz-mqtt5-correlation-data': 'AP8=',
        },
      });
      const { traceId } = (await response.json()) as { traceId: string };
      expect(response.headers.get('x-amzn-requestid')).toBe(traceId);
      expect((await arrived()).properties).toEqual(properties);
    }
  });

  test('a client id of other letters, in UTF-8', async () => {
    const id = Buffer.from('pümpe').toString('latin1');
    await post('/topics/who', { headers: { 'x-client-id': id } });
    expect((await arrived()).client).toBe('pümpe');
  });

  test('a trace goes on: the answer names it, and so does the message', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const response = await post('/topics/traced', { headers: { traceparent, tracestate: 'v=1' } });
    expect(await response.json()).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736' });
    expect((await arrived()).properties).toEqual({ traceparent, tracestate: 'v=1' });
  });

  const refusals: [path: string, status: number, code: string, init?: RequestInit][] = [
    ['/topics/', 400, 'topic.invalid'],
    ['/topics/a%', 400, 'protocol.malformed'],
    ['/topics/a%FF', 400, 'protocol.malformed'],
    ['/topics/a%00', 400, 'topic.invalid'],
    ['/topics/a/%23', 400, 'topic.invalid'],
    ['/topics/a/%2B/b', 400, 'topic.invalid'],
    [`/topics/${'x'.repeat(20_000)}`, 414, 'topic.too-long'],
    [`/topics/${'a/'.repeat(200)}`, 400, 'topic.too-deep'],
    ['/topics/a?qos=2', 400, 'qos.unsupported'],
    ['/topics/a?qos=x', 400, 'qos.unsupported'],
    ['/topics/a?qos=0&qos=1', 400, 'qos.unsupported'],
    ['/topics/a?retain=maybe', 400, 'protocol.malformed'],
    ['/topics/a?messageExpiry=-1', 400, 'protocol.malformed'],
    ['/topics/a?messageExpiry=1e99', 400, 'protocol.malformed'],
    ['/topics/a?responseTopic=r%2F%23', 400, 'topic.invalid'],
    ['/topics/a', 400, 'client-id.invalid', { headers: { 'x-client-id': '' } }],
    ['/topics/a', 400, 'client-id.invalid', { headers: { 'x-client-id': '\xff' } }],
    ['/topics/a', 400, 'client-id.invalid', { headers: { 'x-client-id': 'x'.repeat(1_025) } }],
    ['/topics/a', 413, 'payload.too-large', { body: Buffer.alloc(1_048_577) }],
    ['/topics/a', 400, 'payload.invalid', { headers: { 'x-amz-mqtt5-user-properties': 'W3t9' } }],
    ['/topics/a', 400, 'payload.invalid', { headers: { 'x-amz-mqtt5-payload-format-indicator': '1' } }],
    ['/topics/a', 400, 'payload.invalid', { headers: { 'x-amz-mqtt5-correlation-data': 'a' } }],
    ['/topics', 404, 'not-found'],
    ['/nothing', 404, 'not-found'],
  ];
  test.each(
    refusals.map(
      ([path, ...rest]) =>
        [`${path.slice(0, 40)} is refused with ${rest[0]} ${rest[1]}`, path, ...rest] as const,
    ),
  )('%s', async (_, path, status, code, init) => {
    const response = await post(path, init);
    expect(response.status).toBe(status);
    expect(await problem(response)).toMatchObject({ code });
    expect(received).toEqual([]);
  });

  test('retain=0 and retain=false ask for nothing special', async () => {
    for (const retain of ['0', 'false'])
      expect((await post(`/topics/plain?retain=${retain}`, { body: 'x' })).status).toBe(200);
  });
});

/** Sends a request by hand, with `Connection: close`, and reads the answer to its end. */
async function raw(head: string, body = ''): Promise<string> {
  return bytes(`${head}Connection: close\r\n\r\n${body}`);
}

async function bytes(sent: string | Buffer, port = door.port): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  socket.on('error', () => undefined);
  socket.write(sent);
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString('latin1');
}

describe('what is no proper request', () => {
  test('garbage, broken lines and huge headers get their status, and the door goes on', async () => {
    expect(await bytes(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xff, 0xfe]))).toMatch(
      /^HTTP\/1.1 400 [^]*protocol.malformed/,
    );
    expect(await bytes('POST /topics/a HTTP/9.9\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
    const huge = `POST /topics/a HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(200_000)}\r\n\r\n`;
    expect(await bytes(huge)).toMatch(/^HTTP\/1.1 431 [^]*protocol.malformed/);
    expect(await raw('POST /topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n')).toMatch(
      /^HTTP\/1.1 400 /,
    );
    expect(
      await raw('POST /topics/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n', 'zz\r\n'),
    ).toMatch(/^HTTP\/1.1 400 /);
    expect((await post('/topics/a', { body: 'x' })).status).toBe(200);
  });

  test('a request that is cut off leaves nothing behind', async () => {
    const socket = connect(door.port, '127.0.0.1');
    socket.write('POST /topics/cut?qos=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this');
    await once(socket, 'ready');
    socket.end();
    socket.resume();
    await once(socket, 'close');
    expect((await post('/topics/cut?qos=1', { body: 'whole' })).status).toBe(200);
    const cut = () => received.filter(({ topic }) => topic === 'cut').map(({ payload }) => payload);
    await waitFor(() => cut().length > 0);
    expect(cut()).toEqual(['whole']);
  });

  test('a request that does not arrive is refused with 408', async () => {
    await using impatient = await startDoor(nats.url, { config: { requestTimeoutMs: 1_000 } });
    const answer = await bytes(
      'POST /topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab',
      impatient.port,
    );
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
  });
});

test('when NATS is away it answers 503 with Retry-After, and works again afterwards', async () => {
  const port = await freePort();
  await using ownNats = await startNats({ port });
  await using own = await startDoor(ownNats.url);
  const publish = (qos: number) => fetch(`${own.url}/topics/a?qos=${qos}`, { method: 'POST', body: 'x' });
  await ownNats.kill();
  await waitFor(() => !own.bus.up);
  for (const qos of [0, 1]) {
    const response = await publish(qos);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await problem(response)).code).toBe('bus.unavailable');
  }
  const streamed = await fetch(`${own.url}/v1/stream?filter=a`);
  expect([503, 504]).toContain(streamed.status);
  await streamed.body?.cancel();
  await ownNats.restart();
  await waitFor(async () => (await publish(1)).status === 200, { timeoutMs: 45_000 });
});

test('other doors see it', async () => {
  await using other = await startDoor(nats.url);
  const delivery = createDelivery({
    bus: other.bus,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const seen: string[] = [];
  const filter = parseFilter('to/others');
  if (!filter.ok) throw new Error();
  await delivery
    .attach({ id: 'x', onLive: () => undefined, onDurable: ({ topic }) => seen.push(topic) > 0 })
    .subscribe([{ filter: filter.value, qos: 1 }]);
  await post('/topics/to/others?qos=1');
  await waitFor(() => seen.length === 1);
  delivery.close();
});
