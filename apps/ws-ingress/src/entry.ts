import { accept, publicError, refuse, type Result } from '@trivium/contracts';
import type { Bus } from '@trivium/bus';
import type { Access, Credentials, Identity, Source } from '@trivium/identity';
import { sessionPrincipal } from '@trivium/sessions';
import type { Clock } from '@trivium/clock';

/** As whom a client of `trivium.v1` wants to come in. */
export interface Entrant {
  readonly id: string;
  /** We made the id up. */
  readonly assigned: boolean;
  readonly source: Source;
}

export interface Entered {
  readonly access: Access;
  /** The end of the log when it came. */
  readonly pos: number;
}

/** Who may come in, and what it may do. */
export interface Entry {
  /** Never rejects. */
  prove(credentials: Credentials, entrant: Entrant): Promise<Result<Access>>;
  /** The same for one that is not in yet. Refused also when the id has a session of somebody else, or the bus does not answer. Never rejects. */
  enter(credentials: Credentials, entrant: Entrant): Promise<Result<Entered>>;
}

const RETRY_AFTER_MS = 2_000;

export function createEntry(
  identity: Identity,
  bus: Pick<Bus, 'lastPos' | 'bucket'>,
  clock: Pick<Clock, 'now'>,
): Entry {
  const prove: Entry['prove'] = async (credentials, { id, assigned, source }) => {
    const signedIn = await identity.signIn(credentials, source);
    return signedIn.ok ? identity.access(signedIn.value, id, assigned) : signedIn;
  };
  return {
    prove,
    async enter(credentials, entrant) {
      const access = await prove(credentials, entrant);
      if (!access.ok) return access;
      try {
        const { id, assigned } = entrant;
        const [pos, owner] = await Promise.all([
          bus.lastPos('MESSAGES'),
          assigned ? undefined : sessionPrincipal(bus, id, clock.now()),
        ]);
        if (owner !== undefined && owner !== access.value.principal.name)
          return refuse('auth.denied', 'the session of this client id is somebody else’s');
        return accept({ access: access.value, pos });
      } catch (error) {
        const refused = { retryAfterMs: RETRY_AFTER_MS, ...publicError(error) };
        return { ok: false, error: refused };
      }
    },
  };
}
