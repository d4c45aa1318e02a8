import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Logger } from '@trivium/bus';
import { accept, refuse, type Result } from '@trivium/contracts';
import type { Directory } from '../directory/directory.ts';
import { createKinds } from '../directory/kinds.ts';
import type { StoredUser } from '../directory/stored-user.ts';
import { Unusable } from '../directory/watched-records.ts';
import type { Principal } from '../principal.ts';
import { saslPrepared } from '../sasl-prep.ts';
import type { IdentityStats } from '../stats.ts';
import { isPassword, nobodysHash } from './argon2.ts';
import type { Argon2Cost, PasswordHash } from './password-hash.ts';
import { createPasswordMemory } from './password-memory.ts';
import { createQueue } from './queue.ts';

/** Each takes a thread of the pool, and `auth.argon2.memoryKiB`. */
const AT_ONCE = 2;
const MOST_WAITING = 256;
const MOST_REMEMBERED = 100_000;
const MOST_BYTES = 1_024;

export interface PasswordCheckOptions {
  directory: Pick<Directory, 'user' | 'users' | 'usersVersion'>;
  cost: Argon2Cost;
  logger: Logger;
  stats: Pick<IdentityStats, 'waiting'>;
}

/**
 * Whether it is the user's password: at once when it was before, else by argon2id on the thread pool. Nobody, somebody disabled, somebody
 * without a password and a wrong password take the same time, and differ in the reason alone, which is for the audit.
 */
export type PasswordCheck = (
  name: string,
  password: string,
) => Result<Principal> | Promise<Result<Principal>>;

export function createPasswordCheck({ directory, cost, logger, stats }: PasswordCheckOptions): PasswordCheck {
  const secret = randomBytes(32);
  const pretended = createKinds({
    directory,
    kindOf: ({ password }) => password && kindOf(password.by),
    others: new Set(),
    usual: kindOf({ ...cost, lanes: 1 }),
    secret: () => secret,
    clock: () => performance.now(),
  });
  const nobody = new Map<string, PasswordHash>();
  const memory = createPasswordMemory(MOST_REMEMBERED);
  const queue = createQueue({
    atOnce: AT_ONCE,
    most: MOST_WAITING,
    clock: () => performance.now(),
    onWaiting: (waiting) => (stats.waiting = waiting),
  });

  /** What a password is compared with that cannot be right: of those that users have, one that takes as long. */
  const nobodys = (name: string): PasswordHash => {
    const kind = pretended(name);
    let hash = nobody.get(kind);
    if (hash === undefined) nobody.set(kind, (hash = nobodysHash(costOf(kind))));
    return hash;
  };

  /** A user who could get in by a password. */
  const userOf = (name: string): StoredUser | undefined => {
    const user = directory.user(name);
    return user === undefined || user instanceof Unusable || user.disabled ? undefined : user;
  };

  const verify = async (name: string, password: string): Promise<Result<Principal>> => {
    const stored = userOf(name)?.password;
    const outcome = await queue
      .run(() => isPassword(password, stored?.by ?? nobodys(name)))
      .catch((error: unknown) => {
        logger.error({ error }, 'a password could not be verified');
        return refuse('rate.limited', 'passwords cannot be verified at the moment', 1_000);
      });
    if (!outcome.ok) return outcome;
    // What is stored may have changed meanwhile.
    const mark = userOf(name)?.password?.mark;
    if (stored === undefined || mark === undefined)
      return refuse('auth.failed', whyNot(directory.user(name)));
    if (!outcome.value || mark !== stored.mark) return refuse('auth.failed', 'wrong password');
    memory.learn(name, mark, password);
    return accept(principalOf(name, mark));
  };

  return (name, password) => {
    const mark = userOf(name)?.password?.mark;
    if (mark !== undefined && memory.knows(name, mark, password)) return accept(principalOf(name, mark));
    return verify(name, password);
  };
}

/** A password as clients send it, in the form in which it is compared; undefined: it is nobody's. */
export function passwordOf(bytes: Uint8Array): string | undefined {
  if (bytes.length > MOST_BYTES) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const prepared = saslPrepared(text, 'a password');
    return prepared.ok ? prepared.value : undefined;
  } catch {
    return undefined;
  }
}

function kindOf({ memoryKiB, passes, lanes }: Omit<PasswordHash, 'salt' | 'hash'>): string {
  return `${memoryKiB} ${passes} ${lanes}`;
}

function costOf(kind: string): Omit<PasswordHash, 'salt' | 'hash'> {
  const [memoryKiB, passes, lanes] = kind.split(' ').map(Number) as [number, number, number];
  return { memoryKiB, passes, lanes };
}

function principalOf(name: string, proof: string): Principal {
  return { name, by: 'password', groups: [], claims: {}, proof };
}

function whyNot(user: StoredUser | Unusable | undefined): string {
  if (user === undefined) return 'no such user';
  if (user instanceof Unusable) return 'what is stored cannot be read';
  return user.disabled ? 'disabled' : 'has no password';
}
