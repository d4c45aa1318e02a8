import { createServer } from 'node:net';
import { repoRoot, startProcess, tempDir, waitFor } from '@trivium/testing';
import { expect, inject, it } from 'vitest';
import { sseSubscriber } from './clients/http.ts';
import { connectMqtt } from './clients/mqtt-js.ts';
import { freeOffset, isReady, startHub } from './hub.ts';

it('Ctrl-C drains and stops everything; a publish acknowledged before is there after the next start', async () => {
  await using hub = await startHub();
  const { host, mqtt, admin } = hub.addresses;
  const pids = [
    'nats-server',
    'mqtt-ingress',
    'ws-ingress',
    'http-ingress',
    'router',
    'mqtt-ingress-aedes',
  ].map((name) => hub.pidOf(name)!);
  for (const pid of pids) expect(pid).toBeTypeOf('number');
  const device = await connectMqtt(`mqtt://${host}:${mqtt}`);
  await device.publishAsync('before/stop', 'x', { qos: 1 });
  device.on('error', () => undefined);
  const exit = await hub.process.kill('SIGINT');
  expect(exit).toEqual({ code: 0, signal: null });
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
  expect(await isReady(admin.mqtt)).toBe(false);
});

it('restarts a service that was killed, says so, and clients come back', async () => {
  await using hub = await startHub();
  const { addresses } = hub;
  await hub.killAndWait('http-ingress', addresses.admin.http);
  expect(hub.process.output()).toMatch(/http-ingress.*SIGKILL/);
  await using stream = await sseSubscriber().subscribe(addresses, 'after/kill', 1);
  await hub.killAndWait('mqtt-ingress', addresses.admin.mqtt);
  const device = await connectMqtt(`mqtt://${addresses.host}:${addresses.mqtt}`);
  await device.publishAsync('after/kill', 'x', { qos: 1 });
  await waitFor(() => stream.received.length === 1);
  await device.endAsync();
});

it('NATS killed under way: nothing is acknowledged meanwhile, everything goes on after it', async () => {
  await using hub = await startHub();
  const { addresses } = hub;
  const { host, mqtt, http, admin } = addresses;
  await using stream = await sseSubscriber().subscribe(addresses, 'nats/#', 1);
  const device = await connectMqtt(`mqtt://${host}:${mqtt}`);
  await device.publishAsync('nats/a', 'before', { qos: 1 });
  const nats = hub.pidOf('nats-server')!;
  let during: Promise<unknown> | undefined;
  await hub.withoutRestarts(async () => {
    process.kill(nats, 'SIGKILL');
    await waitFor(async () => !(await isReady(admin.mqtt)), {
      message: 'mqtt-ingress not ready while NATS is away',
    });
    during = device.publishAsync('nats/a', 'during', { qos: 1 });
  });
  await waitFor(() => hub.pidOf('nats-server') !== nats, { timeoutMs: 30_000 });
  await during;
  await waitFor(async () => (await isReady(admin.mqtt)) && (await isReady(admin.http)), {
    timeoutMs: 30_000,
  });
  await device.publishAsync('nats/a', 'after', { qos: 1 });
  // What is sent again because its acknowledgement was late may come twice.
  const texts = () => new Set(stream.received.map(({ payload }) => Buffer.from(payload).toString()));
  await waitFor(() => texts().size >= 3);
  expect([...texts()]).toEqual(['before', 'during', 'after']);
  expect(
    (await fetch(`http://${host}:${http}/topics/nats/a?qos=1`, { method: 'POST', body: 'x' })).status,
  ).toBe(200);
  await device.endAsync();
});

it('two processes of a door share nothing but NATS', async () => {
  const { host, mqtt, mqtt2 } = inject('hub');
  const [one, two] = await Promise.all([
    connectMqtt(`mqtt://${host}:${mqtt}`),
    connectMqtt(`mqtt://${host}:${mqtt2}`),
  ]);
  const seen: string[] = [];
  two.on('message', (topic, payload) => seen.push(`${topic} ${payload.toString()}`));
  await two.subscribeAsync('scaled/#', { qos: 1 });
  await one.publishAsync('scaled/a', '0', { qos: 0 });
  await one.publishAsync('scaled/a', '1', { qos: 1 });
  await waitFor(() => seen.length === 2);
  expect(seen.sort()).toEqual(['scaled/a 0', 'scaled/a 1']);

  // The same client id at the other process: the first is disconnected [MQTT3-3.1.4-2].
  const first = await connectMqtt(`mqtt://${host}:${mqtt}`, { clientId: 'taken' });
  const closed = new Promise<void>((resolve) => first.once('close', () => resolve()));
  const second = await connectMqtt(`mqtt://${host}:${mqtt2}`, { clientId: 'taken' });
  await closed;
  expect(second.connected).toBe(true);
  for (const client of [one, two, second]) await client.endAsync();
});

it('reports a taken port by service and number, and every wrong setting at once', async () => {
  await using data = await tempDir();
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const port = (taken.address() as { port: number }).port;
  const offset = String(await freeOffset());
  const start = (env: Record<string, string>) =>
    startProcess({
      command: 'node',
      args: ['tools/up/src/main.ts'],
      cwd: repoRoot(),
      env: { TRIVIUM_DATA_DIR: data.path, TRIVIUM_PORT_OFFSET: offset, ...env },
    });
  await using refused = await start({ TRIVIUM_HTTP_PORT: String(port) });
  expect((await refused.exited).code).toBe(1);
  expect(refused.output()).toMatch(new RegExp(`http-ingress.*${port}|${port}.*http-ingress`));
  expect(refused.output()).toContain('TRIVIUM_HTTP_PORT');
  taken.close();

  await using wrong = await start({ TRIVIUM_MQTT_PORT: 'abc', TRIVIUM_WS_PORT: '70000' });
  expect((await wrong.exited).code).toBe(78);
  expect(wrong.output()).toContain('TRIVIUM_MQTT_PORT');
  expect(wrong.output()).toContain('TRIVIUM_WS_PORT');
});
