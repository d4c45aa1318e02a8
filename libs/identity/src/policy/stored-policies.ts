import type { Bucket } from '@trivium/bus';
import {
  decodeJson,
  encodeJson,
  policyKey,
  PolicyRecord,
  refuse,
  TriviumError,
  type AuditKind,
  type Result,
} from '@trivium/contracts';
import { writeAudit } from '../audit/audit.ts';
import { granted, type Author, type IdentityBus } from '../stored/author.ts';
import { compareAndSet } from '../stored/compare-and-set.ts';
import { checkPolicy } from './check-policy.ts';

/** The record under a key of the bucket, or why it is none. */
export function readPolicy(key: string, value: Uint8Array): Result<PolicyRecord> {
  const raw = decodeJson(PolicyRecord, value);
  const record = raw.ok ? checkPolicy(raw.value) : raw;
  if (record.ok && policyKey(record.value.name) !== key)
    return refuse('payload.invalid', `it says that its name is ${record.value.name}`);
  return record;
}

/**
 * Stores a policy, in place of one with its name, and writes that to the audit; doors heed it within two seconds, also for who is connected.
 * Throws a `TriviumError`: `payload.invalid` with every fault, else what the bus says.
 */
export async function storePolicy(
  bus: IdentityBus,
  raw: unknown,
  author: Author,
  clock: () => number = Date.now,
): Promise<'new' | 'changed'> {
  const record = granted(checkPolicy(raw));
  let stored: 'new' | 'changed' = 'new';
  await compareAndSet(bus.bucket('policies'), policyKey(record.name), (value) => {
    stored = value === undefined ? 'new' : 'changed';
    return encodeJson(PolicyRecord, record);
  });
  await audit(bus, author, 'policy-stored', record.name, clock);
  return stored;
}

const TRIES = 16;

/** False: there was none. */
export async function removePolicy(
  bus: IdentityBus,
  name: string,
  author: Author,
  clock: () => number = Date.now,
): Promise<boolean> {
  const bucket = bus.bucket('policies');
  for (let i = 0; i < TRIES; i++) {
    const now = await bucket.get(policyKey(name));
    if (now === undefined) return false;
    if (!(await bucket.delete(policyKey(name), now.revision))) continue;
    await audit(bus, author, 'policy-removed', name, clock);
    return true;
  }
  throw new TriviumError('bus.overloaded', `others change policy ${name} all the time`);
}

/** Those that can be read, by name. */
export async function storedPolicies(bus: {
  bucket(name: 'policies'): Pick<Bucket, 'entries'>;
}): Promise<PolicyRecord[]> {
  const entries = await bus.bucket('policies').entries('policy.*');
  const records = entries.map(({ key, value }) => readPolicy(key, value));
  return records.flatMap((each) => (each.ok ? each.value : [])).sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function audit(
  bus: IdentityBus,
  { principal, service, address }: Author,
  kind: AuditKind,
  object: string,
  clock: () => number,
): Promise<void> {
  const from = address === undefined ? {} : { address };
  await writeAudit({ bus, service, clock }, { kind, principal, ...from, object });
}
