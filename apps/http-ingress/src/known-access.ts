import type { Result } from '@trivium/contracts';
import type { Access, Identity, Principal } from '@trivium/identity';
import type { Clock } from '@trivium/clock';

/** What callers may do, kept from one request of theirs to the next. */
export interface KnownAccess {
  /** Refused with `auth.denied`: the principal may not be this client. */
  of(principal: Principal, client: string | undefined): Result<Access>;
  readonly size: number;
}

interface Known {
  readonly access: Access;
  /** Of the identity, when it was brought up to date. */
  version: number;
}

/** The one asked for longest ago goes when there are more than `max`. */
export function createKnownAccess(
  identity: Pick<Identity, 'version' | 'access'>,
  clock: Pick<Clock, 'now'>,
  max = 10_000,
): KnownAccess {
  const known = new Map<string, Known>();

  return {
    get size() {
      return known.size;
    },
    of(principal, client) {
      const key = keyOf(principal, client);
      const found = known.get(key);
      if (found !== undefined) {
        known.delete(key);
        const { version } = identity;
        if (found.version === version || found.access.renew(clock.now())) {
          found.version = version;
          known.set(key, found);
          return { ok: true, value: found.access };
        }
      }
      const { version } = identity;
      const access = identity.access(principal, client);
      if (!access.ok) return access;
      if (known.size >= max) known.delete(known.keys().next().value!);
      known.set(key, { access: access.value, version });
      return access;
    },
  };
}

/** Two proofs of one principal may say different things of it, each in its claims, and end at different times. */
function keyOf(
  { name, by, groups, claims, expiresAt, proof }: Principal,
  client: string | undefined,
): string {
  const id = client === undefined ? '' : `\0${client}`;
  if (by === 'nothing') return `${name}${id}`;
  return `${JSON.stringify([name, by, groups, claims, expiresAt, proof])}${id}`;
}
