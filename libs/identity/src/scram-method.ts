import { timingSafeEqual } from 'node:crypto';
import { accept, refuse, type Result } from '@trivium/contracts';
import type { ChallengeMethod } from './challenge-method.ts';
import { userName } from './principal.ts';
import { readClientFinal, readClientFirst, writeServerFirst } from './scram-messages.ts';
import type { ClientFirst } from './scram-messages.ts';
import { base64, hmac, LEAST_ITERATIONS, SCRAM_SHA_256, sha256, USUAL_SALT_BYTES } from './scram-verifier.ts';
import type { ScramVerifier } from './scram-verifier.ts';

export interface ScramMethodOptions {
  /** By user name, as `userName` gives it. */
  verifiers: ReadonlyMap<string, ScramVerifier>;
  /** What the salts of users that do not exist are made from: random, 32 bytes. */
  secret: Uint8Array;
  /** The server's part of a nonce: printable ASCII without a comma, never the same twice. */
  nonce: () => string;
}

const WRONG = 'wrong user name or password';

/** SCRAM-SHA-256 without channel binding, as the server does it (RFC 5802, RFC 7677). */
export function createScramMethod({ verifiers, secret, nonce }: ScramMethodOptions): ChallengeMethod {
  const all = [...verifiers.values()];

  /** What somebody who does not exist is asked with: always the same for one name, and such as others are asked with. */
  const pretended = (name: string): ScramVerifier => {
    const like = all[hmac(secret, `like ${name}`).readUInt32BE(0) % all.length];
    return {
      iterations: like?.iterations ?? LEAST_ITERATIONS,
      salt: hmac(secret, `salt ${name}`).subarray(0, like?.salt.length ?? USUAL_SALT_BYTES),
      storedKey: hmac(secret, `stored ${name}`),
      serverKey: hmac(secret, `server ${name}`),
    };
  };

  return {
    name: SCRAM_SHA_256,
    start(message) {
      const first = readClientFirst(message);
      if (!first.ok) return first;
      const name = nameIn(first.value);
      if (!name.ok) return name;
      const known = verifiers.get(name.value);
      const verifier = known ?? pretended(name.value);
      const bothNonces = first.value.nonce + nonce();
      const serverFirst = writeServerFirst(bothNonces, verifier.salt, verifier.iterations);
      return accept({
        message: Buffer.from(serverFirst, 'utf8'),
        finish(answer) {
          const final = readClientFinal(answer);
          if (!final.ok) return final;
          const { gs2Header, nonce: repeated, proof, withoutProof } = final.value;
          if (gs2Header !== first.value.gs2Header) return refuse('auth.failed', 'channel binding differs');
          if (repeated !== bothNonces) return refuse('auth.failed', 'not the nonce of this exchange');
          const signed = `${first.value.bare},${serverFirst},${withoutProof}`;
          const proven = isProof(proof, verifier, signed);
          const signature = hmac(verifier.serverKey, signed);
          if (!proven || known === undefined) return refuse('auth.failed', WRONG);
          return accept({ principal: name.value, message: Buffer.from(`v=${base64(signature)}`, 'utf8') });
        },
      });
    },
  };
}

/** The user who wants to log in, as himself. */
function nameIn({ user, authorize }: ClientFirst): Result<string> {
  const name = userName(user);
  if (!name.ok || authorize === undefined) return name;
  const other = userName(authorize);
  if (!other.ok) return other;
  return other.value === name.value ? name : refuse('auth.failed', 'a user acts as himself only');
}

/** The proof is the client's key, hidden by a signature that only who has the stored key can make; the stored key is that key's hash. */
function isProof(proof: Buffer, { storedKey }: ScramVerifier, signed: string): boolean {
  const mask = hmac(storedKey, signed);
  if (proof.length !== mask.length) return false;
  const clientKey = proof.map((byte, i) => byte ^ mask[i]!);
  return timingSafeEqual(sha256(clientKey), storedKey);
}
