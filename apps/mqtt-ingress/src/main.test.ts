import { once, type EventEmitter } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startService } from './service.fixture.ts';

let nats: NatsServer;
let env: Record<string, string>;
beforeAll(async () => {
  nats = await startNats();
  env = { TRIVIUM_NATS_URL: nats.url };
});
afterAll(() => nats.stop());

const connect = (port: number, clientId: string) =>
  mqtt.connectAsync({ host: '127.0.0.1', port, clientId, reconnectPeriod: 0 });

test.each(['trivium', 'aedes'])(
  'engine %s: serves MQTT, shows its numbers, drains on SIGTERM',
  async (engine) => {
    await using service = await startService({ ...env, TRIVIUM_MQTT_ENGINE: engine });
    expect(await service.readiness()).toBe(200);
    const client = await connect(service.port, `${engine}-1`);
    const seen: string[] = [];
    client.on('message', (topic, payload) => seen.push(`${topic} ${payload.toString()}`));
    await client.subscribeAsync(`${engine}/#`, { qos: 1 });
    await client.publishAsync(`${engine}/x`, 'hello', { qos: 1 });
    await waitFor(() => seen.length === 1);
    expect(seen).toEqual([`${engine}/x hello`]);
    const metrics = await service.metrics();
    expect(metrics).toMatch(/^trivium_mqtt_sessions(\{.*\})? 1$/m);
    expect(metrics).toMatch(/^trivium_mqtt_published_qos1_total(\{.*\})? 1$/m);

    const closed = once(client as unknown as EventEmitter, 'close');
    expect(await service.process.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await closed;
  },
);

test('[MQTT3-3.1.4-2] a client id moves between the engines too', async () => {
  await using ours = await startService(env);
  await using stock = await startService({ ...env, TRIVIUM_MQTT_ENGINE: 'aedes' });
  const first = await connect(ours.port, 'moving');
  const gone = once(first as unknown as EventEmitter, 'close');
  const second = await connect(stock.port, 'moving');
  await gone;
  const goneToo = once(second as unknown as EventEmitter, 'close');
  const third = await connect(ours.port, 'moving');
  await goneToo;
  await third.endAsync();
});

test('two processes are one hub', async () => {
  await using here = await startService(env);
  await using there = await startService(env);
  const sub = await connect(there.port, 's');
  const got = once(sub as unknown as EventEmitter, 'message') as Promise<[string, Buffer]>;
  await sub.subscribeAsync('two/#');
  const pub = await connect(here.port, 'p');
  await pub.publishAsync('two/doors', 'across');
  expect((await got)[1].toString()).toBe('across');
  await Promise.all([sub.endAsync(), pub.endAsync()]);
});

test('it is not ready while NATS is away, and says so', async () => {
  await using away = await startNats();
  await using service = await startService({ TRIVIUM_NATS_URL: away.url });
  await away.kill();
  await waitFor(async () => (await service.readiness()) === 503);
  await away.restart();
  await waitFor(async () => (await service.readiness()) === 200);
});

test('a taken port is reported by number and setting, exit 1', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await using service = await startService({ ...env, TRIVIUM_MQTT_PORT: String(port) }, /cannot/);
  expect(await service.process.exited).toEqual({ code: 1, signal: null });
  expect(service.process.output()).toMatch(
    new RegExp(`127\\.0\\.0\\.1:${port}: the port is taken.*TRIVIUM_MQTT_PORT`),
  );
  other.close();
});

test('beyond loopback it does not start without authentication: exit 78; all faults at once', async () => {
  await using open = await startService({ ...env, TRIVIUM_MQTT_HOST: '0.0.0.0' }, /TRIVIUM_ALLOW_ANONYMOUS/);
  expect(await open.process.exited).toEqual({ code: 78, signal: null });
  const wrong = {
    TRIVIUM_MQTT_MAX_INFLIGHT: '0',
    TRIVIUM_MQTT_ENGINE: 'mosquitto',
    TRIVIUM_AUTH_SCRAM: '{"alice":"no verifier"}',
  };
  await using faults = await startService({ ...env, ...wrong }, /TRIVIUM_MQTT/);
  expect(await faults.process.exited).toEqual({ code: 78, signal: null });
  for (const name of Object.keys(wrong)) expect(faults.process.output()).toContain(name);
  expect(faults.process.output()).toContain('auth.scram.alice');
  expect(faults.process.output()).not.toContain('no verifier');
});
