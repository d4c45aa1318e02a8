// What proves who somebody is leaves no trace: not in logs, metrics, nor in the file that tells of a running hub.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@trivium/testing';
import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHub, type TestHub } from './hub.ts';

const WRONG = 'wr0ng-Passw0rd-that-nobody-has';
const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.bm90LWEtc2lnbmF0dXJl';

let hub: TestHub;
let key: string;
let seeds: string[];

beforeAll(async () => {
  hub = await startHub({ env: { TRIVIUM_AUTH_REQUIRED: 'true', TRIVIUM_LOG_LEVEL: 'trace' } });
  key = /tvk_[a-z0-9]{12}_[\w-]{43}/.exec(hub.process.output())![0];
  const keys = join(hub.addresses.dataDir, 'nats', 'keys');
  seeds = readdirSync(keys).map((file) => readFileSync(join(keys, file), 'utf8').trim());
}, 180_000);
afterAll(() => hub?.[Symbol.asyncDispose]());

const http = (path: string, authorization?: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${hub.addresses.http}${path}`, authorization ? { headers: { authorization } } : {});

/** Whether MQTT lets in. */
function connects(username: string, password: string): Promise<boolean> {
  const url = `mqtt://127.0.0.1:${hub.addresses.mqtt}`;
  const client = mqtt.connect(url, { username, password, reconnectPeriod: 0, connectTimeout: 30_000 });
  return new Promise((resolve) => {
    client.on('connect', () => client.end(false, () => resolve(true)));
    client.on('error', () => resolve(false));
  });
}

async function used(): Promise<void> {
  const basic = (user: string, password: string): string =>
    `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  expect((await http('/v1/devices', `Bearer ${key}`)).status).toBe(200);
  expect((await http('/v1/devices', basic('admin', key))).status).toBe(200);
  const stream = await http(`/v1/stream?filter=a&access_token=${key}`);
  expect(stream.status).toBe(200);
  await stream.body?.cancel();
  expect((await http('/v1/devices', `Bearer ${JWT}`)).status).toBe(401);
  expect((await http('/v1/devices', basic('admin', WRONG))).status).toBe(401);
  expect((await http(`/v1/stream?filter=a&access_token=${JWT}`)).status).toBe(401);
  expect((await http('/v1/devices')).status).toBe(401);
  expect(await connects('admin', key)).toBe(true);
  expect(await connects('admin', WRONG)).toBe(false);
  expect(await connects('nobody', JWT)).toBe(false);
}

test('secrets that were used, rightly or wrongly, are in no log and no metric', async () => {
  await used();
  const { admin, dataDir } = hub.addresses;
  const services = [admin.mqtt, admin.ws, admin.http, admin.router, admin.aedes];
  const metrics = await Promise.all(
    services.map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
  );
  const logs = readdirSync(join(dataDir, 'logs')).map((file) => join(dataDir, 'logs', file));
  const places = [
    ...metrics.map((text, at) => [`metrics of ${services[at]}`, text] as const),
    ...[
      ...logs,
      join(dataDir, 'hub.json'),
      join(dataDir, 'first-start.json'),
      join(dataDir, 'nats', 'auth.conf'),
    ].map((file) => [file, readFileSync(file, 'utf8')] as const),
  ];
  expect(places.length).toBeGreaterThan(12);
  const encoded = [key, WRONG].map((secret) => Buffer.from(`admin:${secret}`).toString('base64'));
  for (const secret of [key.slice(17), WRONG, JWT.slice(-22), ...encoded, ...seeds])
    for (const [place, text] of places) expect([place, text.includes(secret)]).toEqual([place, false]);
  expect(seeds).toHaveLength(5);
  for (const text of metrics) expect(text).not.toMatch(/trivium_bus_permission_violations_total\S* [1-9]/);
  expect(metrics.join()).toContain('trivium_bus_permission_violations_total');
});

test('a later start shows no key and takes the one of before', async () => {
  await using folder = await tempDir();
  const first = await startHub({ dataDir: folder.path });
  const shown = /tvk_\S+/.exec(first.process.output())?.[0];
  await first[Symbol.asyncDispose]();
  expect(shown).toBeDefined();
  await using second = await startHub({ dataDir: folder.path, env: { TRIVIUM_AUTH_REQUIRED: 'true' } });
  expect(second.process.output()).not.toContain('tvk_');
  const answer = await fetch(`http://127.0.0.1:${second.addresses.http}/v1/devices`, {
    headers: { authorization: `Bearer ${shown}` },
  });
  expect(answer.status).toBe(200);
  expect(statSync(join(folder.path, 'nats', 'keys', 'admin.nk')).mode & 0o777).toBe(0o600);
}, 300_000);
