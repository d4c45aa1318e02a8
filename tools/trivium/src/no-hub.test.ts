import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus, type Bus } from '@trivium/bus';
import { repoRoot, startNats, startProcess, tempDir, type NatsServer, type TempDir } from '@trivium/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { call } from './call.fixture.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const SAID = (bucket: string): string =>
  `trivium: this NATS has no bucket ${bucket}: is it a hub's? Start the hub first, or say where its NATS is: TRIVIUM_NATS_URL\n`;

let nats: NatsServer;
let bus: Bus;
let dir: TempDir;
let policy = '';
let contract = '';
beforeAll(async () => {
  [nats, dir] = await Promise.all([startNats(), tempDir()]);
  bus = await connectBus({ config: { url: nats.url, name: 'test', provision: 'none' }, logger: quiet });
  policy = join(dir.path, 'policy.yaml');
  writeFileSync(
    policy,
    '{ name: p, groups: [g], statements: [{ effect: allow, actions: [publish], topics: [a] }] }',
  );
  contract = join(dir.path, 'contract.yaml');
  writeFileSync(contract, '{ name: c, filter: a, schema: {}, onViolation: reject }');
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
  await dir.remove();
});
afterEach(async () => {
  const state = (await (await fetch(`${nats.monitorUrl}/jsz`)).json()) as { streams: number };
  expect(state.streams).toBe(0);
});

test.each([
  ['devices', 'devices create pump-7'],
  ['devices', 'devices list'],
  ['devices', 'devices rotate pump-7'],
  ['devices', 'keys create dashboard'],
  ['devices', 'keys list'],
  ['devices', 'first-start'],
  ['devices', 'audit'],
  ['policies', () => `policies add ${policy}`],
  ['policies', 'policies list'],
  ['policies', 'policies test --principal a --action connect'],
  ['contracts', () => `contracts add ${contract}`],
  ['contracts', 'contracts list'],
  ['sessions', 'explain --client a --topic b'],
] as const)('without the bucket %s, %s ends at once with 1', async (bucket, words) => {
  const said = (typeof words === 'string' ? words : words()).split(' ');
  const env = { TRIVIUM_DATA_DIR: join(dir.path, 'data') };
  expect(await call(said, { bus, env })).toEqual({ code: 1, out: '', err: SAID(bucket) });
});

test('so does the real command, which tells machines the same', async () => {
  const command = await startProcess({
    ...{ command: 'npx', args: ['trivium', 'devices', 'create', 'pump-7', '--json'], cwd: repoRoot() },
    env: { TRIVIUM_NATS_URL: nats.url, TRIVIUM_DATA_DIR: join(dir.path, 'data') },
  });
  expect(await command.exited).toMatchObject({ code: 1 });
  expect(command.stdout()).toBe('');
  expect(command.stderr()).toContain(SAID('devices'));
}, 120_000);

test('doctor says what is missing, and waits for nothing of it', async () => {
  const { code, out } = await call(['doctor'], { bus, env: { TRIVIUM_DATA_DIR: join(dir.path, 'data') } });
  expect(code).toBe(1);
  expect(out).toMatch(/fail +streams +missing: /);
  expect(out).not.toContain('could not be looked at');
});
