import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus } from '@trivium/bus';
import { startNats, tempDir } from '@trivium/testing';
import { expect, test } from 'vitest';
import { call } from '../call.fixture.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

test('keys makes keys once and what NATS includes; NATS lets in by them', async () => {
  await using folder = await tempDir();
  const { code, out } = await call(['nats', 'keys', folder.path, '--apart', '--json']);
  expect(code).toBe(0);
  const made = JSON.parse(out) as { keys: Record<string, string>; auth: string };
  expect(made.keys['router']).toBe(join(folder.path, 'router', 'router.nk'));
  expect(statSync(made.keys['router']!).mode & 0o777).toBe(0o600);
  const seed = readFileSync(made.keys['router']!, 'utf8');
  expect(out).not.toContain(seed.trim());
  expect((await call(['nats', 'keys', folder.path, '--apart'])).out).toContain(made.auth);
  expect(readFileSync(made.keys['router']!, 'utf8')).toBe(seed);

  await using nats = await startNats({ extraConfig: readFileSync(made.auth, 'utf8') });
  const config = { url: nats.url, name: 'router', nkeyFile: made.keys['router']! };
  const bus = await connectBus({ config, logger: quiet });
  expect(await bus.lastPos('MESSAGES')).toBe(0);
  await bus.close();
});

test('permissions prints the subjects of one or all services', async () => {
  const all = JSON.parse((await call(['nats', 'permissions', '--json'])).out) as Record<string, object>;
  expect(Object.keys(all)).toEqual(['mqtt-ingress', 'ws-ingress', 'http-ingress', 'router', 'admin']);
  const { out } = await call(['nats', 'permissions', '--user', 'http-ingress']);
  expect(out).toContain('  publish    $KV.devices.registry.*\n');
  expect(out).toContain('  subscribe  _INBOX_http-ingress.>\n');
  expect(out).not.toContain('router\n');
  expect((await call(['nats', 'permissions', '--user', 'nobody'])).code).toBe(78);
});

test('a file that is no key ends it, by its name', async () => {
  await using folder = await tempDir();
  writeFileSync(join(folder.path, 'router.nk'), 'SUANONSENSE');
  const { code, err } = await call(['nats', 'keys', folder.path]);
  expect(code).toBe(1);
  expect(err).toContain(`${join(folder.path, 'router.nk')} is not the seed of an nkey`);
  expect(err).not.toContain('SUANONSENSE');
});
