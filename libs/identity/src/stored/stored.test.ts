import { connectBus, type Bus } from '@trivium/bus';
import { apiKeyKey, AuditRecord, credentialKey, decodeJson } from '@trivium/contracts';
import { startNats, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { secretHash } from '../key/api-key.ts';
import { isPassword } from '../password/argon2.ts';
import { parsePasswordHash } from '../password/password-hash.ts';
import { parseScramVerifier } from '../scram-verifier.ts';
import { createApiKey, revokeApiKey, storedApiKeys } from './api-keys.ts';
import { removeCredential, storeCredential, storedCredential, storedCredentials } from './credentials.ts';

const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const cost = { memoryKiB: 1_024, passes: 1 };
const author = { principal: 'root', service: 'test', address: '127.0.0.1' };
let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'identity' }, logger });
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const bucket = () => bus.bucket('devices');
beforeEach(async () => {
  for (const { key } of await bucket().entries()) await bucket().delete(key);
});

async function lastAudit(): Promise<AuditRecord> {
  const message = await bus.read('AUDIT', await bus.lastPos('AUDIT'));
  const record = decodeJson(AuditRecord, message!.data);
  if (!record.ok) throw new Error(record.error.message);
  return record.value;
}

it('a credential is made, changed in parts and removed, and the audit says so', async () => {
  const made = await storeCredential(bus, { name: 'pump', password: 'secret1' }, author, { cost });
  expect(made).toMatchObject({ v: 1, name: 'pump', groups: [] });
  expect(JSON.stringify(made)).not.toContain('secret1');
  const hash = parsePasswordHash(made.password!);
  expect(hash.ok && (await isPassword('secret1', hash.value))).toBe(true);
  expect(parseScramVerifier(made.scram!).ok).toBe(true);
  expect(await lastAudit()).toMatchObject({
    ...{ kind: 'device-changed', principal: 'root', service: 'test', address: '127.0.0.1' },
    ...{ object: 'pump', detail: 'password' },
  });

  const pin = 'ab'.repeat(32);
  const change = { name: 'pump', groups: ['operators'], disabled: true, certificates: [pin] };
  const later = await storeCredential(bus, change, author, { expect: 'known', clock: () => 5_000 });
  expect(later).toEqual({
    ...made,
    groups: ['operators'],
    disabled: true,
    certificates: [pin],
    updatedAt: 5_000,
  });
  expect(await lastAudit()).toMatchObject({ detail: 'groups operators; disabled; certificates' });

  const undo = { name: 'pump', disabled: false, certificates: null, password: null };
  const bare = await storeCredential(bus, undo, author, { clock: () => 6_000 });
  expect(bare).toEqual({
    v: 1,
    name: 'pump',
    groups: ['operators'],
    createdAt: made.createdAt,
    updatedAt: 6_000,
  });
  expect(await storedCredential(bus, 'pump')).toEqual(bare);
  expect(await storedCredentials(bus)).toEqual([bare]);

  expect(await removeCredential(bus, 'pump', author)).toBe(true);
  expect(await lastAudit()).toMatchObject({ kind: 'device-removed', object: 'pump' });
  expect(await removeCredential(bus, 'pump', author)).toBe(false);
  expect(await storedCredential(bus, 'pump')).toBeUndefined();
});

it('names have one form; what none can be, and what is expected otherwise, is refused', async () => {
  expect(await storeCredential(bus, { name: '\u2168' }, author)).toMatchObject({ name: 'IX' });
  const refused = (...[change, options]: [object, object?]) =>
    expect(storeCredential(bus, { name: 'IX', ...change }, author, { cost, ...options })).rejects;
  await refused({ name: 'anonymous' }).toMatchObject({ code: 'auth.failed' });
  await refused({ password: 'a\u0007' }).toMatchObject({ code: 'auth.failed' });
  await refused({ groups: ['a b'] }).toMatchObject({ code: 'payload.invalid' });
  await refused({ certificates: ['AB'] }).toMatchObject({ code: 'payload.invalid' });
  await refused({}, { expect: 'new' }).toMatchObject({ code: 'payload.invalid' });
  await refused({ name: 'other' }, { expect: 'known' }).toMatchObject({ code: 'payload.invalid' });
});

it('two who change one credential at once both have their way', async () => {
  await storeCredential(bus, { name: 'pump' }, author);
  const changes = [{ groups: ['a'] }, { disabled: true }, { certificates: ['0'.repeat(64)] }];
  await Promise.all(changes.map((change) => storeCredential(bus, { name: 'pump', ...change }, author)));
  expect(await storedCredential(bus, 'pump')).toMatchObject(Object.assign({}, ...changes));
});

it('one that cannot be read is told apart from none, and can be removed', async () => {
  await bucket().put(credentialKey('pump'), Buffer.from('{}'));
  await expect(storedCredential(bus, 'pump')).rejects.toMatchObject({ code: 'payload.invalid' });
  expect(await storedCredentials(bus)).toEqual([]);
  expect(await removeCredential(bus, 'pump', author)).toBe(true);
});

it('of a key only the hash is kept; it is listed and revoked', async () => {
  const { key, record } = await createApiKey(
    bus,
    { name: 'app', groups: ['operators'], expiresAt: 9e12 },
    author,
  );
  expect(key).toMatch(/^tvk_[a-z0-9]{12}_[A-Za-z0-9_-]{43}$/);
  const [, id, ...rest] = key.split('_');
  const secret = rest.join('_');
  expect(record).toMatchObject({ id, hash: secretHash(secret).toString('hex'), expiresAt: 9e12 });
  const entry = await bucket().get(apiKeyKey(record.id));
  expect(Buffer.from(entry!.value).toString()).not.toContain(secret);
  expect(await lastAudit()).toMatchObject({
    kind: 'key-created',
    object: id,
    detail: 'for app; groups operators',
  });
  expect(await storedApiKeys(bus)).toEqual([{ ...record, usedAt: undefined }]);
  expect(await revokeApiKey(bus, record.id, author)).toBe(true);
  expect(await lastAudit()).toMatchObject({ kind: 'key-revoked', object: id });
  expect(await revokeApiKey(bus, record.id, author)).toBe(false);
  await expect(createApiKey(bus, { name: '' }, author)).rejects.toMatchObject({ code: 'auth.failed' });
});
