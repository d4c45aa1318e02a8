// A will is asked for its permission when it is published, also when the door that took it died before it could heed what changed.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir, waitFor } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectMqtt } from './clients/mqtt-js.ts';
import { startHub, TWO_DOORS, type TestHub } from './hub.ts';
import { trivium, type TriviumCommand } from './trivium-command.ts';

const PASSWORD = 'correct horse battery staple';
const policyOf = (topics: string): string => `
name: muted
groups: [muted]
statements:
  - { effect: allow, actions: [connect], clients: ['\${principal}'] }
  - { effect: allow, actions: [publish], topics: [${topics}] }
`;

const open = new AsyncDisposableStack();
let hub: TestHub;
let command: TriviumCommand;
let policies: string;

beforeAll(async () => {
  const { path } = open.use(await tempDir());
  hub = open.use(await startHub({ dataDir: path, args: TWO_DOORS, env: { TRIVIUM_AUTH_REQUIRED: 'true' } }));
  command = trivium(hub, path);
  policies = join(path, 'policies.yaml');
  await writeFile(policies, policyOf('wills/#'));
  await command(['policies', 'add', policies]);
  const fleet = join(path, 'fleet.csv');
  const groups = {
    watcher: 'operators',
    kept: 'devices',
    disabled: 'devices',
    muted: 'muted',
    back: 'muted',
  };
  const lines = Object.entries(groups).map(([name, group]) => `${name},${group},${PASSWORD}`);
  await writeFile(fleet, ['name,groups,password', ...lines, ''].join('\n'));
  await command(['devices', 'create', '--file', fleet]);
});
afterAll(() => open.disposeAsync());

/** With a persistent session. */
function login(name: string, port: number) {
  const will = { topic: `wills/${name}`, payload: Buffer.from('gone'), qos: 1, retain: false } as const;
  const who = { clientId: name, username: name, password: PASSWORD, clean: false };
  const url = `mqtt://${hub.addresses.host}:${port}`;
  return waitFor(() => connectMqtt(url, { ...who, ...(name === 'watcher' ? {} : { will }) }), {
    ...{ timeoutMs: 60_000, intervalMs: 500 },
  });
}

const signal = (service: string, name: NodeJS.Signals): void => void process.kill(hub.pidOf(service)!, name);

test('kill -9 of a door after its clients lost the right to their wills and before it knows: these are not published', async () => {
  const { mqtt, mqtt2, admin } = hub.addresses;
  const heard: string[] = [];
  const watcher = await login('watcher', mqtt2);
  watcher.on('message', (topic) => void heard.push(topic));
  await watcher.subscribeAsync('wills/#', { qos: 1 });
  const clients = await Promise.all(['kept', 'disabled', 'muted', 'back'].map((name) => login(name, mqtt)));
  for (const client of clients) client.on('error', () => undefined);

  // Nothing is settled, and nothing heeded, while rights are taken away.
  signal('router', 'SIGSTOP');
  signal('mqtt-ingress', 'SIGSTOP');
  await writeFile(policies, policyOf('elsewhere/#'));
  await Promise.all([command(['devices', 'disable', 'disabled']), command(['policies', 'add', policies])]);
  hub.kill('mqtt-ingress');

  // The next door of a client would publish what its former one left.
  const back = connectMqtt(`mqtt://${hub.addresses.host}:${mqtt2}`, {
    ...{ clientId: 'back', username: 'back', password: PASSWORD, clean: false },
  });
  await (await back).endAsync();
  signal('router', 'SIGCONT');
  await waitFor(() => heard.includes('wills/kept'), { timeoutMs: 60_000 });
  await waitFor(
    async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${admin.router}/metrics`)).text();
      return /^trivium_router_wills_denied_total\S* 2$/m.test(metrics);
    },
    { timeoutMs: 60_000 },
  );
  await watcher.publishAsync('wills/last', 'x', { qos: 1 });
  await waitFor(() => heard.includes('wills/last'));
  expect(heard).toEqual(['wills/kept', 'wills/last']);
  await watcher.endAsync();
}, 180_000);
