import { userName } from './principal.ts';
import { parseScramVerifier, type ScramVerifier } from './scram-verifier.ts';

export interface ScramUsers {
  readonly verifiers: ReadonlyMap<string, ScramVerifier>;
  /** In the form of `@trivium/service`; verifiers are not repeated. */
  readonly faults: readonly { entry: string; message: string }[];
}

/** The users of `auth.scram`. */
export function readScram(scram: Readonly<Record<string, string>>): ScramUsers {
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
