import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { accept, type Result } from '@trivium/contracts';
import { saslPrepared } from '../sasl-prep.ts';
import { writePasswordHash, type Argon2Cost, type PasswordHash } from './password-hash.ts';

const derive = promisify(argon2);
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** What OWASP recommends, and the defaults of `auth.argon2`. */
export const USUAL_COST: Argon2Cost = { memoryKiB: 19_456, passes: 2 };

/**
 * What is stored of a password, with a salt of its own: a PHC string. On the thread pool. Refused with `auth.failed` for one that SASLprep
 * does not allow; it is not repeated.
 */
export async function passwordHash(password: string, cost: Argon2Cost = USUAL_COST): Promise<Result<string>> {
  const prepared = saslPrepared(password, 'a password');
  if (!prepared.ok) return prepared;
  const salt = randomBytes(SALT_BYTES);
  const hash = await run(prepared.value, { ...cost, lanes: 1, salt }, HASH_BYTES);
  return accept(writePasswordHash({ ...cost, lanes: 1, salt, hash }));
}

/** `prepared`: in the form of SASLprep. On the thread pool; takes as long for a wrong password as for the right one. */
export async function isPassword(prepared: string, { hash, ...settings }: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await run(prepared, settings, hash.length), hash);
}

/** Nobody's password: verifying one by it says no, and takes as long as with a stored one of this cost. */
export function nobodysHash(cost: Omit<PasswordHash, 'salt' | 'hash'>): PasswordHash {
  return { ...cost, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };
}

function run(
  message: string,
  { memoryKiB, passes, lanes, salt }: Omit<PasswordHash, 'hash'>,
  tagLength: number,
): Promise<Buffer> {
  const settings = { message, nonce: salt, parallelism: lanes, tagLength, memory: memoryKiB, passes };
  return derive('argon2id', settings);
}
