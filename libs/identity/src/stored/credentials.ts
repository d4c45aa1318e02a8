import { randomBytes } from 'node:crypto';
import type { Bucket } from '@trivium/bus';
import {
  CredentialRecord,
  credentialKey,
  decodeJson,
  encodeJson,
  refuse,
  TriviumError,
  type Result,
} from '@trivium/contracts';
import { writeAudit } from '../audit/audit.ts';
import { passwordHash } from '../password/argon2.ts';
import type { Argon2Cost } from '../password/password-hash.ts';
import { userName } from '../principal.ts';
import { scramVerifier, USUAL_SALT_BYTES } from '../scram-verifier.ts';
import { granted, type Author, type IdentityBus } from './author.ts';
import { compareAndSet } from './compare-and-set.ts';

/** What is left out stays as it is; `null` takes it away. */
export interface CredentialChange {
  readonly name: string;
  readonly groups?: readonly string[];
  readonly disabled?: boolean;
  /** Itself, in plain text: of it only an argon2id hash and a verifier of SCRAM-SHA-256 are kept. */
  readonly password?: string | null;
  /** SHA-256 of the DER of client certificates, lower-case hex. With one, no other certificate will do. */
  readonly certificates?: readonly string[] | null;
}

export interface StoreOptions {
  /** `new`: there must be none yet; `known`: there must be one. Default: either. */
  readonly expect?: 'new' | 'known';
  /** Of new passwords: section `auth.argon2`. */
  readonly cost?: Argon2Cost;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
}

/**
 * Stores how a device or user proves who it is, and writes that to the audit; doors heed it within two seconds, also for who is connected.
 * Throws a `TriviumError`: `auth.failed` for a name or password that none can be, `payload.invalid` for what does not fit or when `expect`
 * does not hold, else what the bus says.
 */
export async function storeCredential(
  bus: IdentityBus,
  change: CredentialChange,
  author: Author,
  { expect, cost, clock = Date.now }: StoreOptions = {},
): Promise<CredentialRecord> {
  const name = granted(userName(change.name));
  const proofs = await proofsOf(change.password, cost);
  let stored: CredentialRecord | undefined;
  await compareAndSet(bus.bucket('devices'), credentialKey(name), (value) => {
    if (expect === 'new' && value !== undefined) throw invalid(`${name} has credentials already`);
    if (expect === 'known' && value === undefined) throw invalid(`${name} has no credentials`);
    const now = value === undefined ? undefined : granted(readCredential(credentialKey(name), value));
    stored = { ...changed(name, now, change, clock()), ...proofs };
    if (change.password === null) {
      delete stored.password;
      delete stored.scram;
    }
    const bytes = encodeJson(CredentialRecord, stored);
    granted(decodeJson(CredentialRecord, bytes));
    return bytes;
  });
  await audit(bus, author, { kind: 'device-changed', object: name, detail: detailOf(change), clock });
  return stored!;
}

/** Who is connected by it is thrown out. False: there was none. */
export async function removeCredential(bus: IdentityBus, name: string, author: Author): Promise<boolean> {
  const key = credentialKey(granted(userName(name)));
  const bucket = bus.bucket('devices');
  if ((await bucket.get(key)) === undefined) return false;
  await bucket.delete(key);
  await audit(bus, author, { kind: 'device-removed', object: name });
  return true;
}

/** Undefined: there is none. Throws `payload.invalid` for one that cannot be read. */
export async function storedCredential(
  bus: Pick<IdentityBus, 'bucket'>,
  name: string,
): Promise<CredentialRecord | undefined> {
  const key = credentialKey(granted(userName(name)));
  const entry = await bus.bucket('devices').get(key);
  return entry === undefined ? undefined : granted(readCredential(key, entry.value));
}

/** Those that can be read, by name. */
export async function storedCredentials(bus: {
  bucket(name: 'devices'): Pick<Bucket, 'entries'>;
}): Promise<CredentialRecord[]> {
  const entries = await bus.bucket('devices').entries('credentials.*');
  const records = entries.map(({ key, value }) => readCredential(key, value));
  return records.flatMap((each) => (each.ok ? each.value : [])).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The record under a key of the bucket, or why it is none. */
export function readCredential(key: string, value: Uint8Array): Result<CredentialRecord> {
  const record = decodeJson(CredentialRecord, value);
  if (!record.ok) return record;
  const { name } = record.value;
  if (credentialKey(name) !== key) return refuse('payload.invalid', 'it has the name of another one');
  const proper = userName(name);
  if (!proper.ok || proper.value !== name) return refuse('payload.invalid', 'its name is none of a user');
  return record;
}

async function proofsOf(
  password: string | null | undefined,
  cost: Argon2Cost | undefined,
): Promise<{ password?: string; scram?: string }> {
  if (typeof password !== 'string') return {};
  return {
    password: granted(await passwordHash(password, cost)),
    scram: granted(scramVerifier(password, { salt: randomBytes(USUAL_SALT_BYTES) })),
  };
}

function changed(
  name: string,
  now: CredentialRecord | undefined,
  { groups, disabled, certificates }: CredentialChange,
  at: number,
): CredentialRecord {
  const record: CredentialRecord = {
    ...(now ?? { v: 1, name, groups: [], createdAt: at }),
    ...(groups === undefined ? {} : { groups: [...groups] }),
    ...(certificates === undefined || certificates === null ? {} : { certificates: [...certificates] }),
    ...(disabled === true ? { disabled } : {}),
    updatedAt: at,
  };
  if (disabled === false) delete record.disabled;
  if (certificates === null) delete record.certificates;
  return record;
}

/** What was changed, not to what. */
function detailOf({ groups, disabled, password, certificates }: CredentialChange): string {
  const parts = [
    groups === undefined ? '' : `groups ${groups.join(', ') || 'none'}`,
    disabled === undefined ? '' : disabled ? 'disabled' : 'enabled',
    password === undefined ? '' : password === null ? 'no password' : 'password',
    certificates === undefined ? '' : certificates === null ? 'any certificate' : 'certificates',
  ];
  return parts.filter((part) => part !== '').join('; ') || 'nothing';
}

async function audit(
  bus: IdentityBus,
  { principal, service, address }: Author,
  {
    clock,
    ...entry
  }: { kind: 'device-changed' | 'device-removed'; object: string; detail?: string; clock?: () => number },
): Promise<void> {
  const from = address === undefined ? {} : { address };
  await writeAudit(
    { bus, service, ...(clock === undefined ? {} : { clock }) },
    { principal, ...from, ...entry },
  );
}

function invalid(message: string): TriviumError {
  return new TriviumError('payload.invalid', message);
}
