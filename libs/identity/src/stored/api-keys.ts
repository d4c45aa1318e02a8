import { randomBytes, randomInt } from 'node:crypto';
import type { Bucket } from '@trivium/bus';
import {
  apiKeyKey,
  ApiKeyRecord,
  ApiKeyUse,
  apiKeyUseKey,
  decodeJson,
  encodeJson,
  refuse,
  TriviumError,
  type Result,
} from '@trivium/contracts';
import { writeAudit, type AuditEntry } from '../audit/audit.ts';
import { userName } from '../principal.ts';
import { keyText, secretHash } from '../key/api-key.ts';
import { granted, type Author, type IdentityBus } from './author.ts';

export interface NewApiKey {
  /** The name of its principal. */
  readonly name: string;
  readonly groups?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number;
}

export interface CreatedApiKey {
  /** The key itself, `tvk_…`. It is not kept: whoever asked shows it once. */
  readonly key: string;
  readonly record: ApiKeyRecord;
}

const ID_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 12;
const SECRET_BYTES = 32;

/**
 * Makes a key for an application, and writes that to the audit. Throws a `TriviumError`: `auth.failed` for a name that none can be,
 * `payload.invalid` for what does not fit, else what the bus says.
 */
export async function createApiKey(
  bus: IdentityBus,
  { name: asked, groups = [], expiresAt }: NewApiKey,
  author: Author,
  clock: () => number = Date.now,
): Promise<CreatedApiKey> {
  const name = granted(userName(asked));
  const id = Array.from({ length: ID_LENGTH }, () => ID_CHARACTERS[randomInt(ID_CHARACTERS.length)]).join('');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const hash = secretHash(secret).toString('hex');
  const limit = expiresAt === undefined ? {} : { expiresAt };
  const record: ApiKeyRecord = { v: 1, id, name, groups: [...groups], hash, createdAt: clock(), ...limit };
  const bytes = encodeJson(ApiKeyRecord, record);
  granted(decodeJson(ApiKeyRecord, bytes));
  const revision = await bus.bucket('devices').put(apiKeyKey(id), bytes, { expect: 0 });
  if (revision === undefined) throw new TriviumError('bus.refused', 'another key has this id; try again');
  await audit(bus, author, { kind: 'key-created', object: id, detail: detailOf(record) });
  return { key: keyText(id, secret), record };
}

/** Whoever is connected by it is thrown out. False: there was none. */
export async function revokeApiKey(bus: IdentityBus, id: string, author: Author): Promise<boolean> {
  const bucket = bus.bucket('devices');
  const entry = await bucket.get(apiKeyKey(id));
  if (entry === undefined) return false;
  await bucket.delete(apiKeyKey(id));
  await bucket.delete(apiKeyUseKey(id));
  const record = readApiKey(entry.key, entry.value);
  const detail = record.ok ? { detail: detailOf(record.value) } : {};
  await audit(bus, author, { kind: 'key-revoked', object: id, ...detail });
  return true;
}

export interface StoredApiKey extends ApiKeyRecord {
  /** To the minute, milliseconds since the epoch; undefined: not yet. */
  readonly usedAt: number | undefined;
}

/** Those that can be read, by name, the oldest first. */
export async function storedApiKeys(bus: {
  bucket(name: 'devices'): Pick<Bucket, 'entries'>;
}): Promise<StoredApiKey[]> {
  const bucket = bus.bucket('devices');
  const [entries, uses] = await Promise.all([bucket.entries('keys.*'), bucket.entries('used.*')]);
  const usedAt = new Map(uses.map(({ key, value }) => [key, timeOf(value)]));
  const records = entries.map(({ key, value }) => readApiKey(key, value));
  return records
    .flatMap((each) => (each.ok ? { ...each.value, usedAt: usedAt.get(apiKeyUseKey(each.value.id)) } : []))
    .sort((a, b) => (a.name === b.name ? a.createdAt - b.createdAt : a.name < b.name ? -1 : 1));
}

/** The record under a key of the bucket, or why it is none. */
export function readApiKey(key: string, value: Uint8Array): Result<ApiKeyRecord> {
  const record = decodeJson(ApiKeyRecord, value);
  if (!record.ok) return record;
  const { id, name } = record.value;
  if (apiKeyKey(id) !== key) return refuse('payload.invalid', 'it has the id of another one');
  const proper = userName(name);
  if (!proper.ok || proper.value !== name) return refuse('payload.invalid', 'its name is none of a user');
  return record;
}

function timeOf(value: Uint8Array): number | undefined {
  const use = decodeJson(ApiKeyUse, value);
  return use.ok ? use.value.at : undefined;
}

function detailOf({ name, groups }: ApiKeyRecord): string {
  return `for ${name}; groups ${groups.join(', ') || 'none'}`;
}

function audit(bus: IdentityBus, author: Author, entry: Omit<AuditEntry, 'principal'>): Promise<void> {
  const { principal, service, address } = author;
  const from = address === undefined ? {} : { address };
  return writeAudit({ bus, service }, { principal, ...from, ...entry });
}
