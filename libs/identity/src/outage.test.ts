import { waitFor } from '@trivium/testing';
import { expect, it } from 'vitest';
import { ANONYMOUS_PRINCIPAL } from './principal.ts';
import { createApiKey } from './stored/api-keys.ts';
import { AUTHOR, BEYOND, outcome, startSite, withPassword } from './testing/identity-under-test.ts';

it('goes on with what it knows while NATS is dead, and learns what changed meanwhile', async () => {
  await using site = await startSite();
  await site.user({ name: 'pump', password: 'right' });
  const { key } = await createApiKey(site.bus, { name: 'app', groups: ['operators'] }, AUTHOR);
  const identity = await site.identity();
  const right = withPassword('pump', 'right');
  const pump = await outcome(identity, right);
  if (typeof pump === 'string') throw new Error(pump);
  const access = identity.access(pump, 'pump');
  if (!access.ok) throw new Error(access.error.message);

  await site.nats.kill();
  await waitFor(() => !site.bus.up);
  expect(await outcome(identity, right)).toMatchObject({ name: 'pump' });
  expect(await outcome(identity, { by: 'token', token: key })).toMatchObject({ name: 'app' });
  expect(await outcome(identity, withPassword('pump', 'wrong'))).toBe('auth.failed');
  expect(await outcome(identity, withPassword('nobody', 'x'))).toBe('auth.failed');
  expect(access.value.renew(Date.now())).toBe(true);
  expect(identity.access(pump, 'pump').ok).toBe(true);

  await site.nats.restart();
  await waitFor(() => site.bus.up, { timeoutMs: 30_000 });
  await site.user({ name: 'pump', disabled: true });
  await waitFor(() => !access.value.renew(Date.now()), { timeoutMs: 30_000 });
  expect(await outcome(identity, right, BEYOND)).toBe('auth.failed');
});

it('lets nobody in before everything that is stored is known', async () => {
  await using site = await startSite();
  await site.nats.kill();
  await waitFor(() => !site.bus.up);
  const identity = site.begin({}, { allowAnonymous: true });
  expect(await outcome(identity, withPassword('pump', 'right'))).toBe('rate.limited');
  expect(await outcome(identity, { by: 'nothing' })).toBe('rate.limited');
  expect(identity.access(ANONYMOUS_PRINCIPAL, 'x').ok).toBe(false);
  await site.nats.restart();
  await identity.ready;
  expect(await outcome(identity, { by: 'nothing' })).toBe(ANONYMOUS_PRINCIPAL);
});

it('repeats no secret in a log, an answer or the audit', async () => {
  await using site = await startSite();
  const secrets = ['Corr3ctHorse', 'Wr0ngHorse', 'aGVhZGVy.cGF5bG9hZA.c2lnbmF0dXJl'];
  await site.user({ name: 'pump', password: secrets[0]! });
  const { key } = await createApiKey(site.bus, { name: 'app' }, AUTHOR);
  secrets.push(key.slice(17), 'A'.repeat(43));
  const identity = await site.identity({ jwt: { keys: '/nowhere/keys.json' } });
  const answers: unknown[] = [];
  for (const credentials of [
    withPassword('pump', secrets[0]!),
    withPassword('pump', secrets[1]!),
    withPassword('pump', secrets[2]!),
    withPassword('pump', key),
    { by: 'token', token: secrets[2]! } as const,
    { by: 'token', token: `tvk_abcdefghij01_${'A'.repeat(43)}` } as const,
    { by: 'token', token: key } as const,
    { by: 'certificate', certificate: Buffer.from(secrets[1]!) } as const,
  ])
    answers.push(await identity.signIn(credentials, BEYOND));
  identity.close();
  const written = await site.audit(4);
  const all = [site.logged(), JSON.stringify(answers), JSON.stringify(written)].join('\n');
  expect(all).toContain('auth.failed');
  for (const secret of secrets) expect(all).not.toContain(secret);
});
