import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createIdentity, type Principal, type StoredIdentity } from '@trivium/identity';
import { tempDir, waitFor, type TempDir } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHub, type HubUnderTest } from '../hub.fixture.ts';
import { hubSettings } from '../hub-settings.ts';

// What the tool makes, as doors see it.

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const source = { address: '192.0.2.1', loopback: false };

let hub: HubUnderTest;
let identity: StoredIdentity;
let dir: TempDir;
beforeAll(async () => {
  hub = await startHub();
  dir = await tempDir();
  const { auth } = hubSettings({ TRIVIUM_AUTH_REQUIRED: 'true' });
  identity = createIdentity({
    bus: hub.bus,
    config: auth,
    allowAnonymous: false,
    logger: quiet,
    service: 'test',
  });
  await identity.ready;
});
afterAll(async () => {
  identity.close();
  await hub[Symbol.asyncDispose]();
  await dir.remove();
});

const byPassword = async (user: string, password: string): Promise<Principal | undefined> => {
  const signed = await identity.signIn({ by: 'password', user, password: Buffer.from(password) }, source);
  return signed.ok ? signed.value : undefined;
};
const byToken = async (token: string): Promise<Principal | undefined> => {
  const signed = await identity.signIn({ by: 'token', token }, source);
  return signed.ok ? signed.value : undefined;
};

test('a device gets in by its password, may do what policies say, and is out once it is disabled, rotated or deleted', async () => {
  const made = await hub.json<{ password: string }>(
    'devices create pump-7 --groups pumps --attribute site=berlin',
  );
  const principal = (await waitFor(() => byPassword('pump-7', made.password)))!;
  const file = join(dir.path, 'pumps.yaml');
  writeFileSync(
    file,
    `name: pumps
groups: [pumps]
statements:
  - { effect: allow, actions: [connect], clients: ['\${principal}'] }
  - { effect: allow, actions: [publish], topics: ['plant/\${device.site}/\${clientId}/#'] }
`,
  );
  expect(identity.access(principal, 'pump-7')).toMatchObject({ ok: false });
  await hub.done(`policies add ${file}`);
  const access = await waitFor(() => {
    const given = identity.access(principal, 'pump-7');
    return given.ok ? given.value : undefined;
  });
  expect(access.may('publish', 'plant/berlin/pump-7/speed')).toBe(true);
  expect(access.may('publish', 'plant/paris/pump-7/speed')).toBe(false);

  await hub.done('devices disable pump-7');
  await waitFor(() => !access.renew(Date.now()));
  expect(await byPassword('pump-7', made.password)).toBeUndefined();
  await hub.done('devices enable pump-7');
  await waitFor(() => byPassword('pump-7', made.password));

  const { password } = await hub.json<{ password: string }>('devices rotate pump-7');
  await waitFor(() => byPassword('pump-7', password));
  expect(await byPassword('pump-7', made.password)).toBeUndefined();
  await hub.done('devices delete pump-7');
  await waitFor(async () => (await byPassword('pump-7', password)) === undefined);
});

test('an application gets in by its key until it is revoked', async () => {
  const { id, key } = await hub.json<{ id: string; key: string }>(
    'keys create admin --groups administrators',
  );
  const principal = (await waitFor(() => byToken(key)))!;
  expect(principal).toMatchObject({ name: 'admin', by: 'key' });
  const access = identity.access(principal, undefined);
  expect(access.ok && access.value.mayAdminister).toBe(true);
  await hub.done(`keys revoke ${id}`);
  await waitFor(async () => (await byToken(key)) === undefined);
});
