import { waitFor } from '@trivium/testing';
import { expect, test } from 'vitest';
import { createApiKey, createIdentity, storeCredential } from './index.ts';
import { authConfig, startSite } from './testing/identity-under-test.ts';

test('the example of the README does what it says', async () => {
  await using site = await startSite();
  const { bus } = site;
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const config = { auth: authConfig({ required: true }), allowAnonymous: false };

  const author = { principal: 'root', service: 'trivium' };
  await storeCredential(bus, { name: 'pump-1', password: 'a long random one' }, author);
  const { key } = await createApiKey(bus, { name: 'dashboard', groups: ['operators'] }, author);

  const { allowAnonymous } = config;
  const identity = createIdentity({
    bus,
    config: config.auth,
    allowAnonymous,
    logger,
    service: 'mqtt-ingress',
  });
  await identity.ready;

  const source = { address: '192.0.2.7', client: 'pump-1', loopback: false };
  const shown = { by: 'password', user: 'pump-1', password: Buffer.from('a long random one') } as const;
  const who = await identity.signIn(shown, source);
  if (!who.ok) throw new Error(who.error.message);
  const access = identity.access(who.value, 'pump-1');
  if (!access.ok) throw new Error(access.error.message);
  expect(access.value.may('publish', 'plant/pump-1/temperature')).toBe(true);
  expect(access.value.subscription('plant/#', false)).toBe('granted');
  expect(access.value.may('command', 'cmd/pump-2/stop')).toBe(false);
  expect(await identity.signIn({ by: 'token', token: key }, source)).toMatchObject({
    value: { name: 'dashboard' },
  });

  expect(access.value.renew(Date.now())).toBe(true);
  const { version } = identity;
  await storeCredential(bus, { name: 'pump-1', disabled: true }, author);
  await waitFor(() => identity.version > version);
  expect(access.value.renew(Date.now())).toBe(false);
  identity.close();
});
