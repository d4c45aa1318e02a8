import { Type } from 'typebox';
import { encodeToken } from './token.ts';
import type { Static } from 'typebox';

const Groups = Type.Array(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }), { maxItems: 1_000 });
const Time = Type.Integer({ minimum: 0 });

/**
 * How a device or user proves who it is, and what groups it is of: bucket `devices`, key `credentialKey(name)`, beside what the registry
 * says about it. Its name is that of its principal. No secret is in it but what one is verified with.
 */
export const CredentialRecord = Type.Object(
  {
    v: Type.Literal(1),
    name: Type.String({ minLength: 1 }),
    groups: Groups,
    /** Nobody gets in by this name, however they prove who they are; who is connected is thrown out. */
    disabled: Type.Optional(Type.Boolean()),
    /** argon2id, as a PHC string. */
    password: Type.Optional(Type.String()),
    /** Verifier of SCRAM-SHA-256, as `scramVerifier` writes it. */
    scram: Type.Optional(Type.String()),
    /** Of client certificates: SHA-256 of the DER, lower-case hex. With one, no other certificate will do. */
    certificates: Type.Optional(
      Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), { minItems: 1, maxItems: 16 }),
    ),
    /** Milliseconds since the epoch. */
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: 'tv1.CredentialRecord' },
);
export type CredentialRecord = Static<typeof CredentialRecord>;

/** `credentials.<name>`. */
export function credentialKey(name: string): string {
  return `credentials.${encodeToken(name)}`;
}

/** An API key of an application, `tvk_<id>_<secret>`: bucket `devices`, key `apiKeyKey(id)`. */
export const ApiKeyRecord = Type.Object(
  {
    v: Type.Literal(1),
    /** The part of the key that is no secret. */
    id: Type.String({ pattern: '^[a-z0-9]{12}$' }),
    /** The name of its principal. */
    name: Type.String({ minLength: 1 }),
    groups: Groups,
    /** SHA-256 of the secret part, lower-case hex: it has 256 random bits, so that nothing slower is needed. */
    hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    createdAt: Time,
    expiresAt: Type.Optional(Time),
  },
  { $id: 'tv1.ApiKeyRecord' },
);
export type ApiKeyRecord = Static<typeof ApiKeyRecord>;

/** `keys.<id>`. */
export function apiKeyKey(id: string): string {
  return `keys.${encodeToken(id)}`;
}

/** When a key was used last, to the minute: bucket `devices`, key `apiKeyUseKey(id)`. */
export const ApiKeyUse = Type.Object({ v: Type.Literal(1), at: Time }, { $id: 'tv1.ApiKeyUse' });
export type ApiKeyUse = Static<typeof ApiKeyUse>;

/** `used.<id>`. */
export function apiKeyUseKey(id: string): string {
  return `used.${encodeToken(id)}`;
}

/** Bucket `devices`: 32 random bytes of the site, from which the salts of users that do not exist are made. */
export const SALT_SECRET_KEY = 'secret.salts';
