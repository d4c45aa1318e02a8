import { createServer } from 'node:net';
import { connectBus } from '@trivium/bus';
import { fileURLToPath } from 'node:url';
import { freePort, freePorts, startNats, startProcess, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from './door-under-test.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

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
    { TRIVIUM_WS_PORT: String(port), TRIVIUM_ADMIN_PORT: String(admin) },
    /ws-ingress is ready/,
  );
  expect((await fetch(`http://127.0.0.1:${admin}/readyz`)).status).toBe(200);
  await using client = await connect(`ws://127.0.0.1:${port}/?clientId=c`);
  await client.ask({ op: 'pub', topic: 'a', qos: 1 });
  const bus = await connectBus({ config: { url: nats.url, name: 'test' }, logger: quiet });
  const leases = async () =>
    (await bus.bucket('leases').entries('door.*')).map(
      ({ value }) => JSON.parse(Buffer.from(value).toString()) as unknown,
    );
  expect(await leases()).toEqual([expect.objectContaining({ service: 'ws-ingress' })]);
  const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  expect(metrics).toMatch(/^trivium_ws_published_qos1_total\S* 1$/m);
  expect(metrics).toMatch(/^trivium_ws_connections_trivium\S* 1$/m);
  expect(metrics).toMatch(/^trivium_mqtt_connections\S* 0$/m);
  const exit = service.kill('SIGTERM');
  expect(await client.closing()).toEqual({ code: 1012, reason: 'server.draining' });
  expect(await exit).toMatchObject({ code: 0 });
  expect(await leases()).toEqual([]);
  await bus.close();
});

test('a taken port is reported with the service and the setting', async () => {
  await using taken = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
  await using service = await start({ TRIVIUM_WS_PORT: String(port) });
  expect(await service.exited).toMatchObject({ code: 1 });
  expect(service.output()).toMatch(new RegExp(`ws-ingress.*127.0.0.1:${port}.*taken.*TRIVIUM_WS_PORT`));
});

test('a listener beyond loopback, and what is no origin, are refused with exit 78, with every other error of the configuration', async () => {
  await using service = await start({ TRIVIUM_WS_HOST: '0.0.0.0', TRIVIUM_WS_PORT: '70000' });
  expect(await service.exited).toMatchObject({ code: 78 });
  expect(service.output()).toContain('TRIVIUM_WS_PORT');
  await using pages = await start({
    TRIVIUM_WS_ORIGINS: 'https://app.example,https://App.example/page,null',
  });
  expect(await pages.exited).toMatchObject({ code: 78 });
  expect(pages.output()).toMatch(/TRIVIUM_WS_ORIGINS.*"https:\/\/App.example\/page" is no origin/);
  expect(pages.output()).toContain('1 error');
  await using open = await start({ TRIVIUM_WS_HOST: '0.0.0.0' });
  expect(await open.exited).toMatchObject({ code: 78 });
  expect(open.output()).toContain('TRIVIUM_ALLOW_ANONYMOUS');
});
