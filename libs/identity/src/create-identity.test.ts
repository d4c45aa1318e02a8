import { waitFor } from '@trivium/testing';
import { apiKeyKey, credentialKey } from '@trivium/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ANONYMOUS_PRINCIPAL } from './principal.ts';
import { createApiKey, revokeApiKey, storedApiKeys } from './stored/api-keys.ts';
import { removeCredential } from './stored/credentials.ts';
import {
  AUTHOR,
  BEYOND,
  LOOPBACK,
  outcome,
  startSite,
  withPassword,
  type Site,
} from './testing/identity-under-test.ts';

let site: Site;
beforeAll(async () => (site = await startSite()));
afterAll(() => site[Symbol.asyncDispose]());
beforeEach(async () => {
  for (const { key } of await site.bus.bucket('devices').entries())
    await site.bus.bucket('devices').delete(key);
});

const user = (name: string) => expect.objectContaining({ name, by: 'password' });

describe('who shows nothing', () => {
  it('is anonymous on loopback or where that is allowed, and nobody gets in so where it is required', async () => {
    const nothing = { by: 'nothing' } as const;
    const usual = await site.identity();
    expect(await outcome(usual, nothing, LOOPBACK)).toBe(ANONYMOUS_PRINCIPAL);
    expect(await outcome(usual, nothing, BEYOND)).toBe('auth.required');
    const open = await site.identity({}, { allowAnonymous: true });
    expect(await outcome(open, nothing, BEYOND)).toBe(ANONYMOUS_PRINCIPAL);
    const strict = await site.identity({ required: true }, { allowAnonymous: true });
    expect(await outcome(strict, nothing, LOOPBACK)).toBe('auth.required');
    expect(usual.stats.signedIn.nothing).toBe(1);
    expect(usual.stats.failed.nothing).toBe(1);
  });

  it('is what a user name comes to that nobody has, but no wrong password of a user', async () => {
    await site.user({ name: 'pump', password: 'right' });
    const identity = await site.identity();
    expect(await outcome(identity, withPassword('mqttjs', 'x'), LOOPBACK)).toBe(ANONYMOUS_PRINCIPAL);
    expect(await outcome(identity, withPassword('', ''), LOOPBACK)).toBe(ANONYMOUS_PRINCIPAL);
    expect(await outcome(identity, withPassword('mqttjs', 'x'), BEYOND)).toBe('auth.failed');
    expect(await outcome(identity, withPassword('pump', 'wrong'), LOOPBACK)).toBe('auth.failed');
    expect(await outcome(identity, withPassword('pump', 'right'), LOOPBACK)).toEqual(user('pump'));
  });
});

describe('passwords', () => {
  it('let their user in, in any form of them, and nobody else', async () => {
    await site.user({ name: 'IX', password: 'p\u00adencil' });
    const identity = await site.identity({ required: true });
    expect(await outcome(identity, withPassword('\u2168', 'pencil'))).toEqual(user('IX'));
    for (const [name, password] of [
      ['IX', 'pencils'],
      ['IX', ''],
      ['IX', 'p\u0007'],
      ['ix', 'pencil'],
      ['', 'pencil'],
      ['anonymous', 'pencil'],
      ['IX', 'x'.repeat(5_000)],
    ] as const)
      expect(await outcome(identity, withPassword(name, password)), `${name} ${password}`).toBe(
        'auth.failed',
      );
    const bytes = { by: 'password', user: 'IX', password: Buffer.from('ff', 'hex') } as const;
    expect(await outcome(identity, bytes)).toBe('auth.failed');
  });

  it('are remembered: the second time is at once, also when another thing of the record changed', async () => {
    await site.user({ name: 'pump', password: 'right' });
    const identity = await site.identity();
    const right = withPassword('pump', 'right');
    expect(identity.signIn(right, BEYOND)).toBeInstanceOf(Promise);
    await waitFor(async () => (await identity.signIn(right, BEYOND)).ok);
    expect(identity.signIn(right, BEYOND)).toMatchObject({ ok: true });
    const version = identity.version;
    await site.user({ name: 'pump', groups: ['operators'] });
    await waitFor(() => identity.version > version);
    expect(identity.signIn(right, BEYOND)).toMatchObject({ ok: true });
    await site.user({ name: 'pump', password: 'other' });
    await waitFor(async () => !(await identity.signIn(right, BEYOND)).ok);
    expect(await outcome(identity, withPassword('pump', 'other'))).toEqual(user('pump'));
  });

  it('that were wrong are right when they are made so', async () => {
    await site.user({ name: 'pump', password: 'old' });
    const identity = await site.identity();
    expect(await outcome(identity, withPassword('pump', 'new'))).toBe('auth.failed');
    expect(identity.signIn(withPassword('pump', 'new'), BEYOND)).toMatchObject({ ok: false });
    await site.user({ name: 'pump', password: 'new' });
    await waitFor(async () => (await identity.signIn(withPassword('pump', 'new'), BEYOND)).ok);
  });

  it('of who is disabled do not count, and do again when he is enabled', async () => {
    await site.user({ name: 'pump', password: 'right', disabled: true });
    const identity = await site.identity();
    for (let i = 0; i < 2; i++)
      expect(await outcome(identity, withPassword('pump', 'right'), LOOPBACK)).toBe('auth.failed');
    await site.user({ name: 'pump', disabled: false });
    await waitFor(async () => (await identity.signIn(withPassword('pump', 'right'), BEYOND)).ok);
  });
});

describe('API keys', () => {
  it('let an application in as their principal, as a token or as a password', async () => {
    const { key, record } = await createApiKey(site.bus, { name: 'app', groups: ['operators'] }, AUTHOR);
    const identity = await site.identity({ required: true });
    const app = { name: 'app', by: 'key', groups: ['operators'], claims: {}, proof: record.id };
    expect(identity.signIn({ by: 'token', token: key }, BEYOND)).toEqual({ ok: true, value: app });
    expect(await outcome(identity, withPassword('app', key))).toEqual(app);
    expect(await outcome(identity, withPassword('', key))).toEqual(app);
    expect(await outcome(identity, withPassword('other', key))).toBe('auth.failed');
    for (const token of [`${key}x`, key.slice(0, -1), key.replace(record.id, 'abcdefghij01'), 'tvk_', 'x'])
      expect(await outcome(identity, { by: 'token', token }), token).toBe('auth.failed');
    const last = key.at(-2) === 'A' ? 'B' : 'A';
    const forged = key.slice(0, -2) + last + key.at(-1);
    expect(await outcome(identity, { by: 'token', token: forged })).toBe('auth.failed');
  });

  it('say when they were used last, at most once a minute', async () => {
    let now = 1_000_000;
    const { key } = await createApiKey(site.bus, { name: 'app' }, AUTHOR);
    const identity = await site.identity({}, { clock: () => now });
    const used = async () => (await storedApiKeys(site.bus))[0]!.usedAt;
    expect(await outcome(identity, { by: 'token', token: key })).toMatchObject({ name: 'app' });
    await waitFor(async () => (await used()) === 1_000_000);
    now += 59_000;
    await outcome(identity, { by: 'token', token: key });
    now += 2_000;
    await outcome(identity, { by: 'token', token: key });
    await waitFor(async () => (await used()) === 1_061_000);
  });

  it('end when they expire or are revoked', async () => {
    let now = 1_000_000;
    const { key, record } = await createApiKey(site.bus, { name: 'app', expiresAt: 2_000_000 }, AUTHOR);
    const identity = await site.identity({}, { clock: () => now });
    const principal = await outcome(identity, { by: 'token', token: key });
    if (typeof principal === 'string') throw new Error(principal);
    expect(principal.expiresAt).toBe(2_000_000);
    const access = identity.access(principal, 'app');
    if (!access.ok) throw new Error(access.error.message);
    expect(access.value.renew(1_999_999)).toBe(true);
    expect(access.value.renew(2_000_000)).toBe(false);
    now = 2_000_000;
    expect(await outcome(identity, { by: 'token', token: key })).toBe('auth.failed');
    now = 1_000_000;
    expect(await revokeApiKey(site.bus, record.id, AUTHOR)).toBe(true);
    await waitFor(() => !access.value.renew(now));
    expect(await outcome(identity, { by: 'token', token: key })).toBe('auth.failed');
  });
});

describe('what is stored', () => {
  it('and cannot be read lets nobody in, is counted and logged', async () => {
    const bucket = site.bus.bucket('devices');
    const { key, record } = await createApiKey(site.bus, { name: 'app' }, AUTHOR);
    const identity = await site.identity();
    await bucket.put(
      credentialKey('pump'),
      Buffer.from('{"v":1,"name":"pump","groups":[],"password":"plain"}'),
    );
    await bucket.put(credentialKey('valve'), Buffer.from('no json'));
    await bucket.put(apiKeyKey(record.id), Buffer.from(JSON.stringify({ ...record, v: 2 })));
    await waitFor(() => identity.stats.unusable === 3);
    expect(await outcome(identity, withPassword('pump', 'plain'), LOOPBACK)).toBe('auth.failed');
    expect(await outcome(identity, withPassword('valve', 'x'), LOOPBACK)).toBe('auth.failed');
    expect(await outcome(identity, { by: 'token', token: key }, LOOPBACK)).toBe('auth.failed');
    expect(site.logged()).toContain('a stored record of identity cannot be read');
    await removeCredential(site.bus, 'pump', AUTHOR);
    await waitFor(() => identity.stats.unusable === 2);
  });
});
