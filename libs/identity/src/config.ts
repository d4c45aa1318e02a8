import { randomBytes } from 'node:crypto';
import { Type, type Static } from 'typebox';
import type { ChallengeMethod } from './challenge-method.ts';
import { userName } from './principal.ts';
import { createScramMethod } from './scram-method.ts';
import { parseScramVerifier, type ScramVerifier } from './scram-verifier.ts';

/** `auth`: who may prove who he is, and by what. */
export const authSection = Type.Object(
  {
    scram: Type.Record(Type.String(), Type.String(), {
      default: {},
      writeOnly: true,
      description:
        'SCRAM-SHA-256 verifiers by user name, as `npm run scram -- <user>` prints them; none: the method is not offered',
      entryFaults: (scram: Record<string, string>) => readScram(scram).faults,
    }),
  },
  { description: 'Authentication' },
);

export type AuthConfig = Static<typeof authSection>;

const NONCE_BYTES = 18;
const SECRET_BYTES = 32;

/** What the section offers clients of MQTT 5; nothing without users. */
export function createChallengeMethods({ scram }: AuthConfig): ChallengeMethod[] {
  const { verifiers } = readScram(scram);
  if (verifiers.size === 0) return [];
  const nonce = (): string => randomBytes(NONCE_BYTES).toString('base64');
  return [createScramMethod({ verifiers, secret: randomBytes(SECRET_BYTES), nonce })];
}

interface ScramUsers {
  readonly verifiers: ReadonlyMap<string, ScramVerifier>;
  /** In the form of `@trivium/service`; verifiers are not repeated. */
  readonly faults: readonly { entry: string; message: string }[];
}

function readScram(scram: Readonly<Record<string, string>>): ScramUsers {
  const verifiers = new Map<string, ScramVerifier>();
  const faults: { entry: string; message: string }[] = [];
  for (const [entry, text] of Object.entries(scram)) {
    const name = userName(entry);
    const verifier = parseScramVerifier(text);
    if (!name.ok) faults.push({ entry, message: name.error.message });
    else if (verifiers.has(name.value)) faults.push({ entry, message: 'the same user name twice' });
    if (!verifier.ok) faults.push({ entry, message: verifier.error.message });
    else if (name.ok) verifiers.set(name.value, verifier.value);
  }
  return { verifiers, faults };
}
