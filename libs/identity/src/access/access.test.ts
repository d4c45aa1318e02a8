import { deviceKey, policyKey } from '@trivium/contracts';
import { waitFor } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Access } from '../access.ts';
import type { StoredIdentity } from '../create-identity.ts';
import { ANONYMOUS_PRINCIPAL, type Principal } from '../principal.ts';
import { removePolicy, storePolicy } from '../policy/stored-policies.ts';
import { createApiKey } from '../stored/api-keys.ts';
import { removeCredential } from '../stored/credentials.ts';
import { AUTHOR, outcome, startSite, withPassword, type Site } from '../testing/identity-under-test.ts';

let site: Site;
beforeAll(async () => (site = await startSite()));
afterAll(() => site[Symbol.asyncDispose]());
beforeEach(async () => {
  for (const name of ['devices', 'policies'] as const)
    for (const { key } of await site.bus.bucket(name).entries()) await site.bus.bucket(name).delete(key);
});

async function signedIn(identity: StoredIdentity, name: string, password: string): Promise<Principal> {
  const principal = await outcome(identity, withPassword(name, password));
  if (typeof principal === 'string') throw new Error(principal);
  return principal;
}

function accessOf(
  identity: StoredIdentity,
  principal: Principal,
  client: string | undefined = principal.name,
): Access {
  const access = identity.access(principal, client);
  if (!access.ok) throw new Error(access.error.message);
  return access.value;
}

/** Changes something, and waits until this process knows. */
async function change(identity: StoredIdentity, made: () => Promise<unknown>): Promise<void> {
  const { version } = identity;
  await made();
  await waitFor(() => identity.version > version);
}

const jwt = (name: string, groups: string[] = []): Principal => ({ name, by: 'jwt', groups, claims: {} });
const pinned = (name: string, proof: string): Principal => ({ ...jwt(name), by: 'certificate', proof });

describe('what somebody may do', () => {
  it('is what the policies of his groups say; those of devices without a group', async () => {
    await site.user({ name: 'pump', password: 'right' });
    const identity = await site.identity();
    const pump = await signedIn(identity, 'pump', 'right');
    const access = accessOf(identity, pump, 'pump-1');
    expect(access).toMatchObject({ principal: pump, unrestricted: false, mayAdminister: false });
    expect(access.may('publish', 'plant/pump')).toBe(true);
    expect(access.may('publish', 'cmd/pump/stop')).toBe(false);
    expect(access.subscription('plant/#', false)).toBe('granted');
    // Where anonymous clients are let in, who proves a name may do as much as they.
    expect(identity.access(pump, 'valve').ok).toBe(true);
    const strict = await site.identity({ required: true });
    expect(strict.access(pump, 'valve')).toMatchObject({ ok: false, error: { code: 'auth.denied' } });
    expect(strict.access(pump, 'a0b1', true).ok).toBe(true);
    expect(identity.access(pump, undefined).ok).toBe(true);
    expect(accessOf(identity, ANONYMOUS_PRINCIPAL, 'x')).toMatchObject({
      unrestricted: true,
      mayAdminister: true,
    });
  });

  it('goes by the stored groups if there are any stored for the name, whatever the proof says', async () => {
    await site.user({ name: 'alice', groups: ['operators'] });
    const { record } = await createApiKey(site.bus, { name: 'alice', groups: ['administrators'] }, AUTHOR);
    const identity = await site.identity();
    expect(accessOf(identity, jwt('bob', ['administrators'])).mayAdminister).toBe(true);
    expect(accessOf(identity, jwt('alice', ['administrators']))).toMatchObject({ mayAdminister: false });
    expect(accessOf(identity, jwt('alice')).may('command', 'cmd/x/y')).toBe(true);
    const key: Principal = { ...jwt('alice'), by: 'key', proof: record.id };
    expect(accessOf(identity, key).mayAdminister).toBe(false);
    await change(identity, () => removeCredential(site.bus, 'alice', AUTHOR));
    expect(accessOf(identity, key).mayAdminister).toBe(true);
  });

  it('changes with policies, groups and what the registry says, and with nothing else', async () => {
    await site.user({ name: 'pump', password: 'right', groups: ['pumps'] });
    const policy = {
      ...{ v: 1, name: 'pumps', groups: ['pumps'] },
      statements: [
        { effect: 'allow', actions: ['connect'], clients: ['*'] },
        { effect: 'allow', actions: ['publish'], topics: ['site/${device.site}/#'] },
      ],
    };
    await storePolicy(site.bus, policy, AUTHOR);
    const identity = await site.identity();
    const access = accessOf(identity, await signedIn(identity, 'pump', 'right'));
    const { version } = access;
    expect(access.may('publish', 'site/berlin/x')).toBe(false);

    const device = { v: 1, id: 'pump', attributes: { site: 'berlin' }, createdAt: 0, updatedAt: 0 };
    const bytes = Buffer.from(JSON.stringify(device));
    await change(identity, () => site.bus.bucket('devices').put(deviceKey('pump'), bytes));
    expect(access.renew(Date.now())).toBe(true);
    expect(access.version).toBeGreaterThan(version);
    expect(access.may('publish', 'site/berlin/x')).toBe(true);
    expect(access.may('publish', 'site/paris/x')).toBe(false);

    const before = access.version;
    await change(identity, () => site.user({ name: 'valve', password: 'x' }));
    expect(access.renew(Date.now())).toBe(true);
    expect(access.version).toBe(before);

    await change(identity, () => site.user({ name: 'pump', groups: ['administrators'] }));
    expect(access.renew(Date.now())).toBe(true);
    expect(access).toMatchObject({ unrestricted: true, mayAdminister: true });

    await change(identity, () => site.user({ name: 'pump', groups: ['pumps'] }));
    await change(identity, () =>
      storePolicy(site.bus, { ...policy, statements: policy.statements.slice(1) }, AUTHOR),
    );
    expect(access.renew(Date.now())).toBe(false);
    expect(access).toMatchObject({ unrestricted: false, mayAdminister: false });
    expect(access.may('publish', 'site/berlin/x')).toBe(false);
    expect(access.subscription('a', false)).toBe('refused');
  });
});

describe('who is connected is thrown out within two seconds', () => {
  const renewed = async (
    name: string,
    made: () => Promise<unknown>,
    principal?: Principal,
  ): Promise<boolean> => {
    const identity = await site.identity();
    const access = accessOf(identity, principal ?? (await signedIn(identity, name, 'right')));
    expect(access.renew(Date.now())).toBe(true);
    const { version } = identity;
    await made();
    const stored = Date.now();
    await waitFor(() => identity.version > version);
    expect(Date.now() - stored).toBeLessThan(2_000);
    return access.renew(Date.now());
  };

  it('when he is disabled, removed, or has another password', async () => {
    await site.user({ name: 'a', password: 'right' });
    expect(await renewed('a', () => site.user({ name: 'a', disabled: true }))).toBe(false);
    await site.user({ name: 'b', password: 'right' });
    expect(await renewed('b', () => removeCredential(site.bus, 'b', AUTHOR))).toBe(false);
    await site.user({ name: 'c', password: 'right' });
    expect(await renewed('c', () => site.user({ name: 'c', password: 'other' }))).toBe(false);
    await site.user({ name: 'd', password: 'right' });
    expect(await renewed('d', () => site.user({ name: 'd', groups: ['devices'] }))).toBe(true);
    await site.user({ name: 'e', password: 'right' });
    expect(await renewed('e', () => site.user({ name: 'e', disabled: true }), jwt('e'))).toBe(false);
  });

  it('when another certificate than his counts', async () => {
    const [own, other] = ['a'.repeat(64), 'b'.repeat(64)];
    await site.user({ name: 'f', certificates: [own] });
    const identity = await site.identity();
    expect(identity.access(pinned('f', other), 'f').ok).toBe(false);
    const free = await renewed(
      'f',
      () => site.user({ name: 'f', certificates: [own, other] }),
      pinned('f', own),
    );
    expect(free).toBe(true);
    expect(await renewed('f', () => site.user({ name: 'f', certificates: [other] }), pinned('f', own))).toBe(
      false,
    );
  });

  it('when a token expires, without any change', async () => {
    const identity = await site.identity();
    const until = Date.now() + 60_000;
    const access = accessOf(identity, { ...jwt('alice', ['administrators']), expiresAt: until });
    expect(access.renew(until - 1)).toBe(true);
    expect(access.renew(until)).toBe(false);
    expect(access.unrestricted).toBe(false);
  });
});

describe('a stored policy that cannot be read', () => {
  it('lets nobody of its groups in, as it might have denied something, and nobody at all when it does not say', async () => {
    const identity = await site.identity();
    const [device, operator] = [jwt('pump'), jwt('alice', ['operators'])];
    const live = accessOf(identity, operator);
    const put = (text: string) => site.bus.bucket('policies').put(policyKey('p'), Buffer.from(text));
    await change(identity, () => put('{"v":2,"name":"p","groups":["devices"]}'));
    expect(identity.access(device, 'pump')).toMatchObject({ ok: false, error: { code: 'auth.denied' } });
    expect(live.renew(Date.now())).toBe(true);
    await change(identity, () => put('{"v":1'));
    expect(live.renew(Date.now())).toBe(false);
    expect(identity.stats.unusable).toBe(1);
    await change(identity, () => removePolicy(site.bus, 'p', AUTHOR));
    expect(identity.access(device, 'pump').ok).toBe(true);
    expect(identity.stats.unusable).toBe(0);
  });
});
