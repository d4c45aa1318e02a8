import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
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
