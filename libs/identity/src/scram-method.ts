import { randomBytes, timingSafeEqual } from 'node:crypto';
import { accept, refuse, type Result } from '@trivium/contracts';
import type { ChallengeMethod } from './challenge-method.ts';
import { userName } from './principal.ts';
import { readClientFinal, readClientFirst, writeServerFirst } from './scram-messages.ts';
import type { ClientFirst } from './scram-messages.ts';
import { base64, hmac, SCRAM_SHA_256, sha256 } from './scram-verifier.ts';
import type { ScramVerifier } from './scram-verifier.ts';

/** Who can log in. */
export interface ScramUsers {
  /** By user name, as `userName` gives it. The same object until the verifier changes. */
  find(name: string): ScramVerifier | undefined;
  /** How somebody who does not exist is asked: always the same for one name, and such as others are asked. */
  pretended(name: string): Pick<ScramVerifier, 'iterations'> & { readonly saltBytes: number };
}

export interface ScramMethodOptions {
  users: ScramUsers;
  /** What the salts of users that do not exist are made from: random, 32 bytes, known when the first client comes. */
  secret: () => Uint8Array;
  /** The server's part of a nonce: printable ASCII without a comma, never the same twice. */
  nonce: () => string;
}

const NONCE_BYTES = 18;

export function scramNonce(): string {
  return randomBytes(NONCE_BYTES).toString('base64');
}

const WRONG = 'wrong user name or password';

/** SCRAM-SHA-256 without channel binding, as the server does it (RFC 5802, RFC 7677). */
export function createScramMethod({ users, secret, nonce }: ScramMethodOptions): ChallengeMethod {
  const pretended = (name: string): ScramVerifier => {
    const { iterations, saltBytes } = users.pretended(name);
    return {
      iterations,
      salt: hmac(secret(), `salt ${name}`).subarray(0, saltBytes),
      storedKey: hmac(secret(), `stored ${name}`),
      serverKey: hmac(secret(), `server ${name}`),
    };
  };

  return {
    name: SCRAM_SHA_256,
    start(message) {
      const first = readClientFirst(message);
      if (!first.ok) return first;
      const name = nameIn(first.value);
      if (!name.ok) return name;
      const known = users.find(name.value);
      const verifier = known ?? pretended(name.value);
      const bothNonces = first.value.nonce + nonce();
      const serverFirst = writeServerFirst(bothNonces, verifier.salt, verifier.iterations);
      return accept({
        name: name.value,
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
          // What is stored may have changed meanwhile.
          const stands = known !== undefined && users.find(name.value) === known;
          if (!proven || !stands) return refuse('auth.failed', WRONG);
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
