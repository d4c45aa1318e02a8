import { accept, type CredentialRecord, type Result } from '@trivium/contracts';
import { parsePasswordHash, type PasswordHash } from '../password/password-hash.ts';
import { parseScramVerifier, sha256, type ScramVerifier } from '../scram-verifier.ts';
import { readCredential } from '../stored/credentials.ts';

/** What a user's password is verified with. */
export interface Verified<V> {
  readonly by: V;
  /** Another one after each change of the password; says nothing about it. */
  readonly mark: string;
}

/** A credential as it is kept at hand. */
export interface StoredUser {
  readonly groups: readonly string[];
  readonly disabled: boolean;
  readonly password: Verified<PasswordHash> | undefined;
  readonly scram: Verified<ScramVerifier> | undefined;
  readonly certificates: readonly string[] | undefined;
}

/** One whose password or verifier cannot be read is none as a whole. */
export function readUser(key: string, value: Uint8Array): Result<StoredUser> {
  const record = readCredential(key, value);
  return record.ok ? userOf(record.value) : record;
}

function userOf({ groups, disabled, password, scram, certificates }: CredentialRecord): Result<StoredUser> {
  const hash = password === undefined ? accept(undefined) : parsePasswordHash(password);
  if (!hash.ok) return hash;
  const verifier = scram === undefined ? accept(undefined) : parseScramVerifier(scram);
  if (!verifier.ok) return verifier;
  return accept({
    groups,
    disabled: disabled === true,
    password: hash.value && { by: hash.value, mark: markOf(password!) },
    scram: verifier.value && { by: verifier.value, mark: markOf(scram!) },
    certificates,
  });
}

const MARK_BYTES = 12;

export function markOf(text: string): string {
  return sha256(Buffer.from(text, 'utf8')).subarray(0, MARK_BYTES).toString('base64url');
}
