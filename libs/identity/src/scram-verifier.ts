import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { accept, refuse, type Result } from '@trivium/contracts';
import { saslPrepared } from './sasl-prep.ts';

export const SCRAM_SHA_256 = 'SCRAM-SHA-256';

/**
 * The least that RFC 7677 allows, and what verifiers are made with unless more is asked for: each login costs the device this many rounds of
 * HMAC, which a microcontroller does in about a second; the hub does none of them.
 */
export const LEAST_ITERATIONS = 4_096;
const MOST_ITERATIONS = 10_000_000;
const KEY_BYTES = 32;
const LEAST_SALT_BYTES = 8;
const MOST_SALT_BYTES = KEY_BYTES;
export const USUAL_SALT_BYTES = 16;

/** What the hub keeps of a password: enough to verify a login, and to be verified, but not to log in. */
export interface ScramVerifier {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

export interface ScramVerifierOptions {
  /** Random, `USUAL_SALT_BYTES` of them. */
  salt: Uint8Array;
  iterations?: number;
}

/** The verifier of a password as text (RFC 5803, the form of PostgreSQL): `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`. */
export function scramVerifier(
  password: string,
  { salt, iterations = LEAST_ITERATIONS }: ScramVerifierOptions,
): Result<string> {
  const prepared = saslPrepared(password, 'a password');
  if (!prepared.ok) return prepared;
  const salted = pbkdf2Sync(prepared.value, salt, iterations, KEY_BYTES, 'sha256');
  const storedKey = sha256(hmac(salted, 'Client Key'));
  const serverKey = hmac(salted, 'Server Key');
  const text = `${SCRAM_SHA_256}$${iterations}:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`;
  const parsed = parseScramVerifier(text);
  return parsed.ok ? accept(text) : parsed;
}

/** Never repeats the text in the refusal. */
export function parseScramVerifier(text: string): Result<ScramVerifier> {
  const match = FORM.exec(text);
  if (match === null)
    return refuse('config.invalid', `expected ${SCRAM_SHA_256}$<iterations>:<salt>$<StoredKey>:<ServerKey>`);
  const [, rounds, ...keys] = match as unknown as [string, string, string, string, string];
  const iterations = Number(rounds);
  if (iterations < LEAST_ITERATIONS || iterations > MOST_ITERATIONS)
    return refuse('config.invalid', `expected ${LEAST_ITERATIONS} to ${MOST_ITERATIONS} iterations`);
  const [salt, storedKey, serverKey] = keys.map(bytesOf);
  if (salt === undefined || storedKey === undefined || serverKey === undefined)
    return refuse('config.invalid', 'expected salt and keys in base64');
  if (salt.length < LEAST_SALT_BYTES || salt.length > MOST_SALT_BYTES)
    return refuse('config.invalid', `expected a salt of ${LEAST_SALT_BYTES} to ${MOST_SALT_BYTES} bytes`);
  if (storedKey.length !== KEY_BYTES || serverKey.length !== KEY_BYTES)
    return refuse('config.invalid', `expected keys of ${KEY_BYTES} bytes`);
  return accept({ iterations, salt, storedKey, serverKey });
}

const FORM = /^SCRAM-SHA-256\$([1-9]\d{0,9}):([^$:]+)\$([^$:]+):([^$:]+)$/;

/** The bytes of base64 in its one canonical form; undefined for anything else. */
export function bytesOf(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return base64(bytes) === text ? bytes : undefined;
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

export function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
