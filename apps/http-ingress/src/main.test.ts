import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { freePort, freePorts, startNats, startProcess, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStream } from './door-under-test.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

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

test('a listener beyond loopback is refused with exit 78, and so is a setting that is wrong', async () => {
  await using wrong = await start({ TRIVIUM_HTTP_MAX_BODY_BYTES: 'many' });
  expect(await wrong.exited).toMatchObject({ code: 78 });
  expect(wrong.output()).toContain('TRIVIUM_HTTP_MAX_BODY_BYTES');
  await using open = await start({ TRIVIUM_HTTP_HOST: '0.0.0.0' });
  expect(await open.exited).toMatchObject({ code: 78 });
  expect(open.output()).toContain('TRIVIUM_ALLOW_ANONYMOUS');
});
