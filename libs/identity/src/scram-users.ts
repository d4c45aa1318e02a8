import { performance } from 'node:perf_hooks';
import type { Directory } from './directory/directory.ts';
import { createKinds } from './directory/kinds.ts';
import { markOf, type StoredUser, type Verified } from './directory/stored-user.ts';
import { Unusable } from './directory/watched-records.ts';
import { userName } from './principal.ts';
import type { ScramUsers } from './scram-method.ts';
import {
  LEAST_ITERATIONS,
  parseScramVerifier,
  USUAL_SALT_BYTES,
  type ScramVerifier,
} from './scram-verifier.ts';

export interface ConfiguredScramUsers {
  readonly verifiers: ReadonlyMap<string, Verified<ScramVerifier>>;
  /** In the form of `@trivium/service`; verifiers are not repeated. */
  readonly faults: readonly { entry: string; message: string }[];
}

/** The users of `auth.scram`. */
export function readScram(scram: Readonly<Record<string, string>>): ConfiguredScramUsers {
  const verifiers = new Map<string, Verified<ScramVerifier>>();
  const faults: { entry: string; message: string }[] = [];
  for (const [entry, text] of Object.entries(scram)) {
    const name = userName(entry);
    const verifier = parseScramVerifier(text);
    if (!name.ok) faults.push({ entry, message: name.error.message });
    else if (verifiers.has(name.value)) faults.push({ entry, message: 'the same user name twice' });
    if (!verifier.ok) faults.push({ entry, message: verifier.error.message });
    else if (name.ok) verifiers.set(name.value, { by: verifier.value, mark: markOf(text) });
  }
  return { verifiers, faults };
}

export interface AllScramUsersOptions {
  directory: Pick<Directory, 'user' | 'users' | 'usersVersion'>;
  configured: ConfiguredScramUsers['verifiers'];
  /** What the salts of users that do not exist are made from. */
  secret: () => Uint8Array;
}

export interface AllScramUsers extends ScramUsers {
  /** Changes with the verifier; undefined: no such user. */
  markOf(name: string): string | undefined;
  /** There is anybody. */
  any(): boolean;
}

/** Those that are stored and those of the configuration; of one name the stored verifier counts. Who is disabled is none. */
export function createScramUsers({ directory, configured, secret }: AllScramUsersOptions): AllScramUsers {
  const kind = ({ iterations, salt }: ScramVerifier): string => `${iterations} ${salt.length}`;
  const pretended = createKinds({
    directory,
    kindOf: ({ scram }) => scram && kind(scram.by),
    others: new Set([...configured.values()].map(({ by }) => kind(by))),
    usual: `${LEAST_ITERATIONS} ${USUAL_SALT_BYTES}`,
    secret,
    clock: () => performance.now(),
  });

  const verified = (name: string): Verified<ScramVerifier> | undefined => {
    const user = directory.user(name);
    if (user === undefined) return configured.get(name);
    if (user instanceof Unusable || user.disabled) return undefined;
    return user.scram ?? configured.get(name);
  };

  let found = false;
  let version = -1;
  return {
    find: (name) => verified(name)?.by,
    markOf: (name) => verified(name)?.mark,
    pretended(name) {
      const [iterations, saltBytes] = pretended(name).split(' ').map(Number) as [number, number];
      return { iterations, saltBytes };
    },
    any() {
      if (configured.size > 0) return true;
      if (version !== directory.usersVersion) {
        version = directory.usersVersion;
        found = hasScram(directory.users());
      }
      return found;
    },
  };
}

function hasScram(users: Iterable<StoredUser | Unusable>): boolean {
  for (const user of users) if (!(user instanceof Unusable) && user.scram !== undefined) return true;
  return false;
}
