import type { Logger } from '@trivium/bus';
import { accept, refuse, type Result } from '@trivium/contracts';
import {
  errors,
  jwtVerify,
  type CryptoKey,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose';
import type { AuthConfig } from '../config.ts';
import { userName, type Principal } from '../principal.ts';
import { sha256 } from '../scram-verifier.ts';
import { createKeySet, type KeySetOptions } from './key-set.ts';
import { keySource } from './key-source.ts';

export interface JwtCheckOptions {
  /** With `keys`. */
  config: AuthConfig['jwt'];
  logger: Logger;
  /** Milliseconds since the epoch. */
  clock: () => number;
  /** For tests. */
  keySet?: Partial<KeySetOptions>;
}

export interface JwtCheck {
  readonly ready: Promise<void>;
  /** Whose token it is: at once when it was verified before. The reason of a refusal is for the audit, and repeats nothing of the token. */
  check(token: string): Result<Principal> | Promise<Result<Principal>>;
  close(): void;
}

/** Signatures with a public key; never `none`, never one with a shared secret. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const TOLERANCE_S = 5;
const MOST_CHARACTERS = 16_384;
const MOST_REMEMBERED = 10_000;
/** Keys that are tried for a token that does not say which one signed it. */
const MOST_KEYS = 8;
const GROUP = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Three parts of base64url: it says that it is one. */
export function looksLikeJwt(text: string): boolean {
  return /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/.test(text);
}

export function createJwtCheck({ config, logger, clock, keySet }: JwtCheckOptions): JwtCheck {
  const source = keySource(config.keys);
  const keys = createKeySet({ source, logger, clock: () => performance.now(), ...keySet });
  /** By the hash of the token; those of keys that are no more are forgotten with them. */
  const verified = new Map<string, Principal>();
  let version = 0;

  const options = (): JWTVerifyOptions => ({
    algorithms: ALGORITHMS,
    requiredClaims: ['exp', config.nameClaim],
    clockTolerance: TOLERANCE_S,
    currentDate: new Date(clock()),
    ...(config.issuer === '' ? {} : { issuer: config.issuer }),
    ...(config.audience === '' ? {} : { audience: config.audience }),
  });

  const verify = async (token: string, id: string): Promise<Result<Principal>> => {
    const before = keys.version;
    let payload: JWTPayload;
    try {
      payload = await payloadOf(token, keys.keyOf, options());
    } catch (error) {
      return refuse('auth.failed', reasonOf(error));
    }
    const principal = principalOf(payload, config);
    if (principal.ok && keys.version === before && version === before) {
      if (verified.size >= MOST_REMEMBERED) verified.delete(verified.keys().next().value!);
      verified.set(id, principal.value);
    }
    return principal;
  };

  return {
    ready: keys.ready,
    check(token) {
      if (token.length > MOST_CHARACTERS) return refuse('auth.failed', 'the token is too long');
      if (version !== keys.version) {
        verified.clear();
        version = keys.version;
      }
      const id = sha256(Buffer.from(token, 'utf8')).toString('base64');
      const known = verified.get(id);
      if (known === undefined) return verify(token, id);
      if (known.expiresAt! > clock()) return accept(known);
      verified.delete(id);
      return refuse('auth.failed', 'expired');
    },
    close: () => keys.close(),
  };
}

/** Of a token that does not say which key signed it each that could have is tried. */
async function payloadOf(
  token: string,
  keyOf: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keyOf, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    let tried = 0;
    for await (const key of error as AsyncIterable<CryptoKey>) {
      if (++tried > MOST_KEYS) break;
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (wrong) {
        if (!(wrong instanceof errors.JWSSignatureVerificationFailed)) throw wrong;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function principalOf(payload: JWTPayload, { nameClaim, groupsClaim }: AuthConfig['jwt']): Result<Principal> {
  const told = payload[nameClaim];
  if (typeof told !== 'string') return refuse('auth.failed', 'the claim of the name is not text');
  const name = userName(told);
  if (!name.ok) return name;
  const claims: Record<string, string> = {};
  for (const [claim, value] of Object.entries(payload))
    if (typeof value === 'string' || typeof value === 'number') claims[claim] = String(value);
  // As long as it is let in: a token is not refused in one moment and its connection ended in the next.
  const expiresAt = (payload.exp! + TOLERANCE_S) * 1_000;
  const groups = groupsOf(payload[groupsClaim]);
  return accept({ name: name.value, by: 'jwt', groups, claims, expiresAt });
}

/** A list, or names with blanks between them. What cannot be the name of a group is none. */
function groupsOf(claim: unknown): string[] {
  const all: unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return all.filter((each): each is string => typeof each === 'string' && GROUP.test(each));
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `the claim ${error.claim} is not accepted`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'signed in a way that is not accepted';
  if (error instanceof errors.JWKSNoMatchingKey) return 'signed with a key that is not known';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature is wrong';
  return 'not a JWT that can be read';
}
