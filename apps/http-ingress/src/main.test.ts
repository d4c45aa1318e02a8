import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { connectBus } from '@trivium/bus';
import { encodeJson, sessionKey, SessionRecord } from '@trivium/contracts';
import type { Explanation } from '@trivium/explain';
import { storeCredential } from '@trivium/identity';
import { freePort, freePorts, startNats, startProcess, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStream } from './door-under-test.ts';
import { http2Client } from './testing/http2-client.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

const fixture = (name: string): string => fileURLToPath(new URL(`testing/${name}.pem`, import.meta.url));
const CERTIFICATE = {
  TRIVIUM_HTTP_TLS_CERT: fixture('first.cert'),
  TRIVIUM_HTTP_TLS_KEY: fixture('first.key'),
};

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(async () => {
  await nats.stop();
});

function start(env: Record<string, string>, ready?: RegExp) {
  return startProcess({
    command: process.execPath,
    args: [main],
    env: { TRIVIUM_NATS_URL: nats.url, TRIVIUM_ADMIN_PORT: '0', ...env },
    ...(ready === undefined ? {} : { ready }),
  });
}

test('the service becomes ready, shows its numbers, and drains on SIGTERM with exit 0', async () => {
  const [port, admin] = await freePorts(2);
  await using service = await start(
    { TRIVIUM_HTTP_PORT: String(port), TRIVIUM_ADMIN_PORT: String(admin) },
    /http-ingress is ready/,
  );
  expect((await fetch(`http://127.0.0.1:${admin}/readyz`)).status).toBe(200);
  await using stream = await openStream(`http://127.0.0.1:${port}/v1/stream?filter=a`);
  await fetch(`http://127.0.0.1:${port}/topics/a?qos=1`, { method: 'POST', body: 'x' });
  await stream.seen({ payload: 'x' });
  const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  expect(metrics).toMatch(/^trivium_http_published_qos1_total\S* 1$/m);
  expect(metrics).toMatch(/^trivium_http_streams\S* 1$/m);
  expect(metrics).toMatch(/^trivium_http_answers_total\{\S*status="2xx"\S* 1$/m);
  expect(await service.kill('SIGTERM')).toMatchObject({ code: 0 });
  await waitFor(() => stream.ended);
});

test.each(['false', 'true'])(
  'with auth.required %s a client id that is not its own is explained as it is decided',
  async (required) => {
    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const bus = await connectBus({ config: { url: nats.url, name: 'credentials' }, logger });
    const author = { principal: 'root', service: 'test' };
    const cost = { memoryKiB: 1_024, passes: 1 };
    const password = 'p';
    await storeCredential(bus, { name: 'root', groups: ['administrators'], password }, author, { cost });
    await storeCredential(bus, { name: 'pump', password }, author, { cost });
    // By its session it is known of whom the client id is.
    const session: SessionRecord = {
      ...{ v: 1, epoch: 1, connectedAt: 1, principal: 'pump', clean: false, pos: 0, open: [] },
      ...{ subscriptions: [], exactlyOnce: false },
    };
    await bus.bucket('sessions').put(sessionKey('foreign'), encodeJson(SessionRecord, session));
    await bus.close();
    const port = await freePort();
    const env = { TRIVIUM_HTTP_PORT: String(port), TRIVIUM_AUTH_REQUIRED: required };
    await using _service = await start(env, /http-ingress is ready/);
    const get = (path: string, user: string, clientId: string) => {
      const authorization = `Basic ${Buffer.from(`${user}:p`).toString('base64')}`;
      return fetch(`http://127.0.0.1:${port}${path}`, {
        headers: { authorization, 'x-client-id': clientId },
      });
    };
    await waitFor(async () => (await get('/v1/devices', 'root', 'root')).status === 200);
    const decided = (await get('/retainedMessage', 'pump', 'foreign')).status;
    const explained = await get('/v1/explain?client=foreign&topic=a', 'root', 'root');
    const { decisions } = (await explained.json()) as Explanation;
    expect([decided, decisions.connect.allowed]).toEqual(required === 'true' ? [403, false] : [200, true]);
  },
);

test('a taken port is reported with the service and the setting', async () => {
  await using taken = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
  await using service = await start({ TRIVIUM_HTTP_PORT: String(port) });
  expect(await service.exited).toMatchObject({ code: 1 });
  expect(service.output()).toMatch(new RegExp(`http-ingress.*127.0.0.1:${port}.*taken.*TRIVIUM_HTTP_PORT`));
});

test('HTTPS is open when there is a certificate, and drains too', async () => {
  const [port, tlsPort] = await freePorts(2);
  await using service = await start(
    { TRIVIUM_HTTP_PORT: String(port), TRIVIUM_HTTP_TLS_PORT: String(tlsPort), ...CERTIFICATE },
    /http-ingress is ready/,
  );
  await using client = http2Client(tlsPort!, await readFile(CERTIFICATE.TRIVIUM_HTTP_TLS_CERT, 'utf8'));
  const stream = client.ask({ ':path': '/v1/stream?filter=a' });
  await stream.seen('connected');
  expect(await service.kill('SIGTERM')).toMatchObject({ code: 0 });
  expect((await stream.done()).text).toContain('retry:');
});

test.each([
  ['TRIVIUM_HTTP_TLS_KEY', 'http.tlsKey: is not set', { TRIVIUM_HTTP_TLS_KEY: '' }],
  ['TRIVIUM_HTTP_TLS_CERT', 'http.tlsCert: is not set', { TRIVIUM_HTTP_TLS_CERT: '' }],
  ['TRIVIUM_HTTP_TLS_CERT', 'ENOENT', { TRIVIUM_HTTP_TLS_CERT: 'nowhere.pem' }],
  ['TRIVIUM_HTTP_TLS_CERT', 'cannot be used', { TRIVIUM_HTTP_TLS_CERT: main }],
  ['TRIVIUM_HTTP_TLS_KEY', 'not that of the certificate', { TRIVIUM_HTTP_TLS_KEY: fixture('renewed.key') }],
])('a certificate that cannot be used is refused with exit 78: %s %s', async (variable, reason, env) => {
  await using service = await start({ ...CERTIFICATE, ...env });
  expect(await service.exited).toMatchObject({ code: 78 });
  expect(service.output()).toMatch(new RegExp(`${variable} .*${reason}`));
});

test('a listener beyond loopback is refused with exit 78, and so is a setting that is wrong', async () => {
  await using wrong = await start({ TRIVIUM_HTTP_MAX_BODY_BYTES: 'many' });
  expect(await wrong.exited).toMatchObject({ code: 78 });
  expect(wrong.output()).toContain('TRIVIUM_HTTP_MAX_BODY_BYTES');
  await using open = await start({ TRIVIUM_HTTP_HOST: '0.0.0.0' });
  expect(await open.exited).toMatchObject({ code: 78 });
  expect(open.output()).toContain('TRIVIUM_ALLOW_ANONYMOUS');
});
