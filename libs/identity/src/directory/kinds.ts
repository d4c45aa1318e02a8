import { createHmac } from 'node:crypto';
import type { Directory } from './directory.ts';
import type { StoredUser } from './stored-user.ts';
import { Unusable } from './watched-records.ts';

export interface KindsOptions {
  directory: Pick<Directory, 'users' | 'usersVersion'>;
  /** What can be seen of how a user is verified; undefined: nothing. */
  kindOf(user: StoredUser): string | undefined;
  /** Of users that are not stored. */
  others: ReadonlySet<string>;
  /** When no user has any. */
  usual: string;
  secret: () => Uint8Array;
  /** Milliseconds. */
  clock: () => number;
}

/** Counting users takes a while when there are many. */
const LEAST_AGE_MS = 1_000;

/**
 * How somebody who does not exist seems to be verified (rounds, memory, length of the salt): as one of the users is, always the same way for
 * one name, in every process with this secret, whatever order users came in.
 */
export function createKinds({
  directory,
  kindOf,
  others,
  usual,
  secret,
  clock,
}: KindsOptions): (name: string) => string {
  let kinds = others;
  let version = -1;
  let countedAt = -Infinity;

  const count = (): void => {
    if (version === directory.usersVersion || clock() - countedAt < LEAST_AGE_MS) return;
    const found = new Set(others);
    for (const user of directory.users()) {
      const kind = user instanceof Unusable ? undefined : kindOf(user);
      if (kind !== undefined) found.add(kind);
    }
    kinds = found;
    version = directory.usersVersion;
    countedAt = clock();
  };

  const rank = (kind: string, name: string): string =>
    createHmac('sha256', secret()).update(`kind ${kind} ${name}`, 'utf8').digest('hex');

  return (name) => {
    count();
    let best = usual;
    let highest = '';
    for (const kind of kinds) {
      const own = rank(kind, name);
      if (own > highest) [best, highest] = [kind, own];
    }
    return best;
  };
}
