import { scramClient, waitFor } from '@trivium/testing';
import { SALT_SECRET_KEY } from '@trivium/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StoredIdentity } from './create-identity.ts';
import type { Principal } from './principal.ts';
import { SCRAM_SHA_256, scramVerifier } from './scram-verifier.ts';
import { removeCredential } from './stored/credentials.ts';
import { AUTHOR, BEYOND, startSite, type Site } from './testing/identity-under-test.ts';

const made = scramVerifier('pencil', { salt: Buffer.alloc(16, 7) });
const verifier = made.ok ? made.value : '';

let site: Site;
beforeAll(async () => (site = await startSite()));
afterAll(() => site[Symbol.asyncDispose]());

/** A whole exchange from there. */
function login(
  identity: StoredIdentity,
  user: string,
  password: string,
  source = BEYOND,
): Principal | string {
  const method = identity.method(SCRAM_SHA_256, source);
  if (method === undefined) return 'auth.method';
  const client = scramClient(user, password);
  const challenge = method.start(client.first);
  if (!challenge.ok) return challenge.error.code;
  const end = challenge.value.finish(client.final(challenge.value.message));
  if (!end.ok) return end.error.code;
  const principal = identity.proven(end.value.principal, source);
  return principal.ok ? principal.value : principal.error.code;
}

/** `s=…,i=…` of what somebody is asked with. */
function asked(identity: StoredIdentity, user: string): string {
  const started = identity.method(SCRAM_SHA_256)!.start(scramClient(user, 'x').first);
  if (!started.ok) throw new Error(started.error.message);
  return started.value.message.toString().replace(/^r=[^,]*,/, '');
}

it('is offered when anybody has it, and lets in who is stored or configured', async () => {
  const identity = await site.identity();
  expect(identity.method(SCRAM_SHA_256)).toBeUndefined();
  const configured = await site.identity({ scram: { bob: verifier } });
  expect(login(configured, 'bob', 'pencil')).toMatchObject({ name: 'bob', by: 'scram', groups: [] });

  await site.user({ name: 'alice', password: 'pencil' });
  await waitFor(() => identity.method(SCRAM_SHA_256) !== undefined);
  expect(identity.method('PLAIN')).toBeUndefined();
  expect(login(identity, 'alice', 'pencil')).toMatchObject({ name: 'alice', by: 'scram' });
  expect(login(identity, 'alice', 'pen')).toBe('auth.failed');
  expect(login(identity, 'bob', 'pencil')).toBe('auth.failed');
  expect(identity.stats).toMatchObject({ signedIn: { scram: 1 }, failed: { scram: 2 } });
  await waitFor(() => login(configured, 'alice', 'pencil') !== 'auth.failed');
});

it('goes by the stored record of a configured user: groups, disabled, and the verifier if there is one', async () => {
  const identity = await site.identity({ scram: { carol: verifier } });
  const principal = login(identity, 'carol', 'pencil');
  if (typeof principal === 'string') throw new Error(principal);
  const access = identity.access(principal, 'carol');
  if (!access.ok) throw new Error(access.error.message);
  expect(access.value.may('publish', 'cmd/x/y')).toBe(false);
  await site.user({ name: 'carol', groups: ['operators'] });
  await waitFor(() => access.value.renew(Date.now()) && access.value.may('publish', 'cmd/x/y'));
  await site.user({ name: 'carol', password: 'other' });
  await waitFor(() => !access.value.renew(Date.now()));
  expect(login(identity, 'carol', 'pencil')).toBe('auth.failed');
  expect(login(identity, 'carol', 'other')).toMatchObject({ name: 'carol' });
  await site.user({ name: 'carol', disabled: true });
  await waitFor(() => login(identity, 'carol', 'other') === 'auth.failed');
  expect(identity.proven('carol', BEYOND)).toMatchObject({ ok: false, error: { code: 'auth.failed' } });
});

it('asks somebody unknown with one salt at two doors, before and after a restart, whatever came in between', async () => {
  await site.user({ name: 'dave', password: 'pencil' });
  const [one, two] = await Promise.all([site.identity(), site.identity({ scram: {} })]);
  for (const name of ['nobody', 'nobody2']) expect(asked(two, name)).toBe(asked(one, name));
  expect(asked(one, 'nobody')).not.toBe(asked(one, 'nobody2'));
  const before = asked(one, 'nobody');
  one.close();
  await site.user({ name: 'erin', password: 'pencil' });
  await removeCredential(site.bus, 'dave', AUTHOR);
  expect(asked(await site.identity(), 'nobody')).toBe(before);
});

it('is asked with the secret of whoever came first, when many come at once', async () => {
  const bucket = site.bus.bucket('devices');
  await bucket.delete(SALT_SECRET_KEY);
  const doors = await Promise.all([1, 2, 3, 4].map(() => site.identity()));
  expect(new Set(doors.map((door) => asked(door, 'nobody'))).size).toBe(1);
  expect((await bucket.get(SALT_SECRET_KEY))!.value).toHaveLength(32);
});

it('refuses who has failed too often, and not others', async () => {
  await site.user({ name: 'frank', password: 'pencil' });
  let now = 1_000_000;
  const identity = await site.identity({}, { elapsed: () => now });
  const there = { address: '192.0.2.9', loopback: false };
  const codes = Array.from({ length: 8 }, () => login(identity, 'frank', 'wrong', there));
  expect(codes).toEqual([...Array<string>(6).fill('auth.failed'), 'rate.limited', 'rate.limited']);
  expect(login(identity, 'frank', 'pencil', there)).toBe('rate.limited');
  expect(login(identity, 'erin', 'pencil', there)).toMatchObject({ name: 'erin' });
  now += 20_000;
  expect(login(identity, 'frank', 'pencil', there)).toMatchObject({ name: 'frank' });
});
