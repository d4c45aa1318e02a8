import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus, type Bus } from '@trivium/bus';
import { authSection, createIdentity } from '@trivium/identity';
import { readConfig } from '@trivium/service';
import { startNats, tempDir, waitFor, type NatsServer } from '@trivium/testing';
import { Type } from 'typebox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call } from '../call.fixture.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'test' }, logger: quiet });
});
afterAll(async () => {
  await bus?.close();
  await nats?.stop();
});

test('the first credentials are made once for a data directory, shown once, and let in', async () => {
  await using data = await tempDir();
  const env = { TRIVIUM_DATA_DIR: data.path };
  const first = await call(['first-start', '--device', 'sensor-1', '--mqtt', 'hub.local:1884'], { bus, env });
  expect(first.code).toBe(0);
  const key = /tvk_[a-z0-9]{12}_\S{43}/.exec(first.out)![0];
  const password = /sensor-1, password (\S+)/.exec(first.out)![1]!;
  expect(password.length).toBeGreaterThanOrEqual(24);
  expect(first.out).toContain(`-h hub.local -p 1884 -u sensor-1 -P '${password}'`);

  const kept = readFileSync(join(data.path, 'first-start.json'), 'utf8');
  expect(kept).not.toContain(password);
  expect(kept).not.toContain(key);

  const schema = Type.Object({ auth: authSection });
  const config = readConfig({ service: 'test', schema, env: { TRIVIUM_AUTH_REQUIRED: 'true' } }).auth;
  const identity = createIdentity({ bus, config, allowAnonymous: false, logger: quiet, service: 'test' });
  await identity.ready;
  const source = { address: '127.0.0.1', loopback: true };
  const administrator = await identity.signIn({ by: 'token', token: key }, source);
  expect(administrator).toMatchObject({ ok: true, value: { name: 'admin', groups: ['administrators'] } });
  const shown = { by: 'password', user: 'sensor-1', password: Buffer.from(password) } as const;
  await waitFor(async () => (await identity.signIn(shown, source)).ok);
  identity.close();

  const again = await call(['first-start', '--device', 'sensor-1', '--json'], { env });
  expect(again).toMatchObject({ code: 0, out: '{}\n' });
}, 60_000);
