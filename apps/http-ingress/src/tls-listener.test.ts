import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { connect as tlsConnect } from 'node:tls';
import { promisify } from 'node:util';
import { handClock } from '@trivium/clock';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDoor, type DoorSettings, type DoorUnderTest } from './door-under-test.ts';
import { FIRST } from './testing/certificates.ts';
import { http2Client } from './testing/http2-client.ts';
import { resetRequest } from './testing/reset-request.ts';

const LINES = 'application/x-ndjson';

let nats: NatsServer;
let door: DoorUnderTest;
let ca: string;
const startTls = (settings: DoorSettings = {}): Promise<DoorUnderTest> =>
  startDoor(nats.url, { ...settings, config: { ...FIRST, ...settings.config } });

beforeAll(async () => {
  ca = await readFile(FIRST.tlsCert, 'utf8');
  nats = await startNats();
  door = await startTls();
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
  await nats.stop();
});

const publish = (path: string) => ({ ':method': 'POST', ':path': path });

/** Every message that a topic got, read from the log by a stream of its own. */
async function storedAt(topic: string, last: string): Promise<string> {
  await using client = http2Client(door.tlsPort, ca);
  const stream = client.ask({ ':path': `/v1/stream?from=0&filter=${topic}` });
  await stream.seen(last);
  return stream.text;
}

describe('over HTTP/2', () => {
  test('messages are published, streamed and resumed, on one connection', async () => {
    await using client = http2Client(door.tlsPort, ca);
    const first = client.ask({ ':path': '/v1/stream?filter=h2/%23' });
    await first.seen(': connected');
    expect(first.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    for (const name of ['connection', 'keep-alive', 'transfer-encoding', 'upgrade'])
      expect(first.headers, '[RFC9113-8.2.2]').not.toHaveProperty(name);
    const one = await client.ask(publish('/topics/h2/a?qos=1'), 'one').done();
    expect([one.status, JSON.parse(one.text)]).toMatchObject([200, { message: 'OK' }]);
    await first.seen('"payload":"one"');
    first.stream.close();
    await client.ask(publish('/topics/h2/a?qos=1'), 'two').done();
    const again = client.ask({
      ':path': '/v1/stream?filter=h2/%23',
      'last-event-id': String(one.headers['x-trivium-pos']),
    });
    await again.seen('"payload":"two"');
    expect(again.text).not.toContain('"one"');
    await waitFor(() => door.door.stats.streams === 1);
  });

  test('results of a batch come while it is still written', async () => {
    await using client = http2Client(door.tlsPort, ca);
    const batch = client.ask({ ...publish('/v1/messages'), 'content-type': LINES, 'x-streamed': '1' });
    for (let i = 1; i <= 3; i++) {
      batch.stream.write(`{"topic":"h2batch","payload":"${i}","qos":1}\n`);
      await waitFor(() => batch.text.split('\n').length === i + 1);
    }
    batch.stream.end();
    const { status, text } = await batch.done();
    expect([status, text.match(/"ok":true,"pos":/g)?.length]).toEqual([207, 3]);
    const array = client.ask(
      { ...publish('/v1/messages'), 'content-type': 'application/json' },
      '[{"topic":"h2batch","payload":"4","qos":1}]',
    );
    expect(JSON.parse((await array.done()).text)).toMatchObject({ results: [{ ok: true }] });
  });

  test('a command is answered by the reply of a device that asks for it', async () => {
    await using client = http2Client(door.tlsPort, ca);
    const me = { 'x-client-id': 'h2-device' };
    const polled = client.ask({ ':path': '/v1/devices/me/commands?wait=20s', ...me });
    await waitFor(() => door.door.pollingDevices === 1);
    const command = await waitFor(async () => {
      const asked = client.ask(publish('/v1/devices/h2-device/commands/on?timeout=20s'), 'now');
      await waitFor(() => polled.ended || asked.ended);
      return polled.ended && asked;
    });
    const [{ requestId, payload }] = (
      JSON.parse(polled.text) as { commands: [{ requestId: string; payload: string }] }
    ).commands;
    expect(payload).toBe('now');
    await client.ask({ ...publish(`/v1/devices/me/commands/${requestId}/reply`), ...me }, 'done').done();
    expect(await command.done()).toMatchObject({ status: 200, text: 'done' });
  });

  test('a poll ends when its caller hangs up', async () => {
    await using client = http2Client(door.tlsPort, ca);
    const polled = client.ask({ ':path': '/v1/devices/me/commands?wait=60s', 'x-client-id': 'h2-gone' });
    await waitFor(() => door.door.pollingDevices > 0);
    polled.stream.close(8);
    expect((await polled.done()).status).toBeUndefined();
    const other = client.ask({ ':path': '/v1/devices/me/commands?wait=0s', 'x-client-id': 'h2-gone' });
    expect((await other.done()).status).toBe(200);
  });

  test.each([
    [405, { ':method': 'PUT', ':path': '/topics/a' }, ''],
    [404, { ':path': '/nothing' }, undefined],
    [413, publish('/topics/a?qos=1'), 'x'.repeat(2_000)],
    [413, { ...publish('/v1/messages'), 'content-type': LINES, 'content-length': '999999999' }, undefined],
    [414, { ':path': `/v1/stream?filter=${'a'.repeat(2_000)}` }, undefined],
  ])('a refusal is a problem with its status: %i', async (status, headers, body) => {
    await using small = await startTls({
      config: { maxBodyBytes: 1_000, maxUrlBytes: 2_000, maxBatchBytes: 1_000 },
    });
    await using client = http2Client(small.tlsPort, ca);
    const refused = client.ask(
      'content-length' in headers ? { ...headers, 'x-streamed': '1' } : headers,
      body,
    );
    await refused.seen('}');
    expect(refused.status).toBe(status);
    expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect((await client.ask({ ':path': '/v1/devices' }).done()).status, 'the connection goes on').toBe(200);
  });

  test('clients are counted: 429', async () => {
    await using slow = await startTls({
      config: { maxRequestsPerSecond: 1 },
      clock: { now: () => 1, every: () => () => undefined },
    });
    await using client = http2Client(slow.tlsPort, ca);
    expect((await client.ask({ ':path': '/v1/devices' }).done()).status).toBe(200);
    const refused = await client.ask({ ':path': '/v1/devices' }).done();
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1']);
  });

  test('headers beyond the limit are refused, and the hub goes on', async () => {
    await using small = await startTls({ config: { maxUrlBytes: 2_000 } });
    await using client = http2Client(small.tlsPort, ca);
    await client.ask({ ':path': '/v1/devices' }).done();
    const refused = await client.ask({ ':path': '/v1/devices', 'x-large': 'x'.repeat(40_000) }).done();
    expect(refused.status).not.toBe(200);
    await using next = http2Client(small.tlsPort, ca);
    expect((await next.ask({ ':path': '/v1/devices' }).done()).status).toBe(200);
  });

  test.each([
    ['resets it', 8],
    ['resets it without an error', 0],
    ['loses the connection', undefined],
  ])('of a body that is cut off nothing is published: its sender %s', async (_how, code) => {
    const topic = `cut/${code}`;
    const answered = () => Object.values(door.door.stats.answers).reduce((sum, one) => sum + one, 0);
    for (const [path, type, part] of [
      [`/topics/${topic}?qos=1`, 'text/plain', 'a part'],
      ['/v1/messages', LINES, `{"topic":"${topic}","payload":"a part","qos":1}`],
    ] as const) {
      const headers = { ':path': path, 'content-type': type };
      const { requests } = door.door.stats;
      const answers = answered();
      const begun = () => waitFor(() => door.door.stats.requests > requests);
      if (code !== undefined) {
        const client = await resetRequest({ port: door.tlsPort, ca, code }, headers, part, begun);
        await waitFor(() => answered() > answers);
        client.close();
      } else {
        await using client = http2Client(door.tlsPort, ca);
        client.ask({ ...publish(path), ...headers, 'x-streamed': '1' }).stream.write(part);
        await begun();
        client.session.destroy();
        await waitFor(() => answered() > answers);
      }
    }
    await fetch(`${door.url}/topics/${topic}?qos=1`, { method: 'POST', body: 'the last' });
    expect(await storedAt(topic, 'the last')).not.toMatch(/a part|"payload":""/);
  });

  test('a body that does not arrive in requestTimeoutMs is reset, and nothing else of its connection', async () => {
    const clock = handClock();
    await using strict = await startTls({ clock, config: { requestTimeoutMs: 5_000 } });
    await using client = http2Client(strict.tlsPort, ca);
    const stream = client.ask({ ':path': '/v1/stream?filter=a' });
    const late = client.ask({ ...publish('/topics/late?qos=1'), 'x-streamed': '1' });
    late.stream.write('x');
    await stream.seen('connected');
    await waitFor(() => strict.door.stats.requests === 2);
    clock.advance(4_999);
    expect((await client.ask({ ':path': '/v1/devices' }).done()).status).toBe(200);
    expect(late.ended).toBe(false);
    clock.advance(1);
    expect((await late.done()).status).toBeUndefined();
    expect([stream.ended, strict.door.stats.publishedQos1]).toEqual([false, 0]);
  });

  test('a drain says GOAWAY, ends streams with a time to come back, and lets requests finish', async () => {
    await using leaving = await startTls();
    await using client = http2Client(leaving.tlsPort, ca);
    const stream = client.ask({ ':path': '/v1/stream?filter=a' });
    await stream.seen('connected');
    const slow = client.ask({ ...publish('/topics/slow?qos=1'), 'x-streamed': '1' });
    slow.stream.write('sl');
    await waitFor(() => leaving.door.stats.requests === 2);
    leaving.door.stopAccepting();
    await waitFor(() => client.goneAway);
    const drained = leaving.door.drain({ signal: AbortSignal.timeout(60_000), graceMs: 100 });
    await stream.done();
    expect([stream.text, stream.resetCode]).toEqual([expect.stringMatching(/retry: \d+\n\n$/), 0]);
    slow.stream.end('ow');
    expect(await slow.done()).toMatchObject({ status: 200 });
    await drained;
  });

  test('what does not end in time is cut off', async () => {
    await using leaving = await startTls();
    await using client = http2Client(leaving.tlsPort, ca);
    const batch = client.ask({ ...publish('/v1/messages'), 'content-type': LINES, 'x-streamed': '1' });
    batch.stream.write('{"topic":"a","payload":"1"}\n');
    await batch.seen('"ok":true');
    leaving.door.stopAccepting();
    await leaving.door.drain({ signal: AbortSignal.abort(), graceMs: 0 });
    await batch.done();
    await waitFor(() => client.session.destroyed);
  });
});

test('an event stream that does not read is reset as not whole', async () => {
  const clock = handClock(Date.now());
  await using strict = await startTls({ clock, config: { maxOutputBytes: 65_536 } });
  await using client = http2Client(strict.tlsPort, ca);
  const stream = client.ask({ ':path': '/v1/stream?qos=0&filter=flood' });
  await stream.seen('connected');
  stream.stream.pause();
  await waitFor(
    async () => {
      await fetch(`${strict.url}/topics/flood`, { method: 'POST', body: 'x'.repeat(60_000) });
      return strict.door.stats.droppedLive > 0;
    },
    { timeoutMs: 45_000 },
  );
  for (let i = 0; i < 2; i++) clock.advance(30_001);
  await waitFor(() => strict.door.stats.streams === 0);
  stream.stream.resume();
  expect((await stream.done()).resetCode).toBe(2);
});

describe('over HTTP/1.1 and TLS', () => {
  function ask(path: string, { body, port = door.tlsPort }: { body?: string; port?: number } = {}) {
    return new Promise<{ status: number | undefined; version: string; text: string; headers: object }>(
      (resolve, reject) => {
        const sent = httpsRequest(
          `https://127.0.0.1:${port}${path}`,
          { ca, method: body === undefined ? 'GET' : 'POST', agent: false },
          (answer) => {
            let text = '';
            answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
            answer.once('end', () =>
              resolve({
                status: answer.statusCode,
                version: answer.httpVersion,
                text,
                headers: answer.headers,
              }),
            );
          },
        );
        sent.once('error', reject);
        sent.end(body);
      },
    );
  }

  test('the same API is there', async () => {
    expect(await ask('/topics/h1/a?qos=1', { body: 'one' })).toMatchObject({ status: 200, version: '1.1' });
    expect(await ask('/topics/a')).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect(await storedAt('h1/a', 'one')).toContain('"payload":"one"');
  });

  /** What the door says on a connection until it is closed. */
  async function talk(port: number, sent: string, minMax: object = {}): Promise<string> {
    const socket = tlsConnect({ port, host: '127.0.0.1', ca, ...minMax });
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', (error: NodeJS.ErrnoException) => (text += error.code));
    socket.write(sent);
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    return text;
  }

  test('its limits are those of HTTP without TLS: 431, 408, 400', async () => {
    const begin = 'GET /v1/devices HTTP/1.1\r\nHost: x\r\n';
    const large = `${begin}X-Large: ${'x'.repeat(90_000)}\r\n\r\n`;
    expect(await talk(door.tlsPort, large)).toMatch(/^HTTP\/1.1 431 [^]*"code":"protocol.malformed"/);
    expect(await talk(door.tlsPort, 'no HTTP\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
    await using strict = await startTls({ config: { headersTimeoutMs: 1_000 } });
    expect(await talk(strict.tlsPort, begin)).toMatch(/^HTTP\/1.1 408 /);
  });

  test('TLS 1.1 is refused', async () => {
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    expect(await talk(door.tlsPort, '', old)).toMatch(/PROTOCOL_VERSION|ALERT/);
  });

  test('a drain lets an answer finish and closes its connection', async () => {
    await using leaving = await startTls();
    const talked = talk(leaving.tlsPort, 'GET /v1/stream?filter=a HTTP/1.1\r\nHost: x\r\n\r\n');
    await waitFor(() => leaving.door.stats.streams === 1);
    leaving.door.stopAccepting();
    await leaving.door.drain({ signal: AbortSignal.timeout(60_000), graceMs: 100 });
    expect(await talked).toMatch(/retry: \d+\n\n\r\n0\r\n\r\n$/);
  });
});

test('curl publishes, over HTTP/2 when it has that', async () => {
  const run = promisify(execFile);
  const { stdout: version } = await run('curl', ['-V']);
  const spoken = /\bHTTP2\b/.test(version) ? '2' : '1.1';
  const url = `https://127.0.0.1:${door.tlsPort}/topics/curl?qos=1`;
  const args = ['-sS', '--cacert', FIRST.tlsCert, '-w', ' %{http_version}', '-d', 'hi', url];
  const { stdout } = await run('curl', args);
  expect(stdout).toMatch(/"message":"OK"/);
  expect(stdout.split(' ').at(-1)).toBe(spoken);
});
