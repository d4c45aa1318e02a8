import type { Clock } from '@trivium/actors';
import type { Bus, Logger } from '@trivium/bus';
import { decodeJson, DoorLease, doorLeaseKey, errorCode, ERRORS, partitionOf } from '@trivium/contracts';
import { askWillRuling, type SessionView } from '@trivium/sessions';
import type { Doors } from './doors.ts';
import type { SessionWatch } from './session-watch.ts';
import { createSettler } from './settle-session.ts';
import { createWillAges } from './will-ages.ts';

export interface DeadSessionsOptions {
  bus: Bus;
  doors: Doors;
  sessions: SessionWatch;
  clock: Clock;
  logger: Logger;
  /** From noticing to acting: what a door has told of its end is seen first, a lease on its way too. */
  graceMs: number;
  holds(partition: number): boolean;
}

/**
 * Settles the sessions that dead doors leave behind (rule 3): their wills are published, clean ones deleted, persistent ones freed. Each
 * by the router that holds its partition; whoever comes to hold it goes on where another left off.
 */
export interface DeadSessions {
  /** The watched record of this client has changed. */
  changed(client: string): void;
  /** The door stopped, or its lease began anew. */
  doorLost(door: string): void;
  /** Partitions came: their sessions are due at once, if they have been so for long enough. */
  look(): void;
  readonly stats: {
    readonly settled: number;
    readonly wills: number;
    /** Wills that were not published: their clients may not any more. */
    readonly willsDenied: number;
    /** Attempts that failed and are repeated. */
    readonly failed: number;
    /** Without a living connection and not settled yet, whoever is to do it. */
    readonly waiting: number;
  };
  close(): void;
}

const MAX_AT_ONCE = 256;
const RETRY_MS = 1_000;
const LEAST_GRACE_MS = 100;

export function createDeadSessions(options: DeadSessionsOptions): DeadSessions {
  const { bus, doors, sessions, clock, logger } = options;
  const graceMs = Math.max(options.graceMs, LEAST_GRACE_MS);
  const leases = bus.bucket('leases');
  const ages = createWillAges(bus, clock);
  /** Since when each session counts as without a living connection, by the monotonic clock. */
  const suspects = new Map<string, number>();
  const busy = new Set<string>();
  let todo: string[] = [];
  let atWork = 0;
  let known = false;
  let closed = false;
  let cancelLook: (() => void) | undefined;
  /** Leases asked for since the last look. */
  let asked = new Map<string, Promise<number | undefined>>();
  const stats = {
    settled: 0,
    wills: 0,
    willsDenied: 0,
    failed: 0,
    get waiting() {
      return suspects.size;
    },
  };

  const holds = (client: string): boolean => !closed && options.holds(partitionOf(client));

  /** When its lease began; undefined: it has none. */
  const leaseBegan = async (door: string): Promise<number | undefined> => {
    const entry = await leases.get(doorLeaseKey(door));
    if (entry === undefined) return undefined;
    const lease = decodeJson(DoorLease, entry.value);
    return lease.ok ? lease.value.startedAt : 0; // one of a later version lives
  };

  const settle = createSettler({
    bus,
    holds,
    nowMs: () => clock.wallMs(),
    async isLost(door, connectedAt) {
      let began = asked.get(door);
      if (began === undefined) asked.set(door, (began = leaseBegan(door)));
      const since = await began;
      return since === undefined || connectedAt < since;
    },
    lostMs: ages.lostMs,
    writtenMs(client, revision) {
      const view = sessions.get(client);
      return view?.revision === revision ? view.seenMs : -Infinity;
    },
    isOld: ages.isOld,
    mayLeave: (client, will) => askWillRuling(bus, doors.sessionDoors(), client, will),
  });

  const isSuspect = ({ door, connectedAt, unfinished }: SessionView): boolean =>
    door === undefined ? unfinished : doors.judge(door, connectedAt).lost;

  const suspect = (client: string): void => {
    if (suspects.has(client)) return;
    suspects.set(client, clock.monotonicMs());
    lookIn(graceMs);
  };

  const changed = (client: string): void => {
    const view = sessions.get(client);
    if (view !== undefined && isSuspect(view)) suspect(client);
    else suspects.delete(client);
  };

  const lookIn = (ms: number): void => {
    if (!closed) cancelLook ??= clock.after(ms, look);
  };

  const look = (): void => {
    cancelLook?.();
    cancelLook = undefined;
    if (closed || !known || !bus.up) return;
    const now = clock.monotonicMs();
    let next = Infinity;
    asked = new Map();
    for (const [client, sinceMs] of suspects) {
      const view = sessions.get(client);
      if (view === undefined || !isSuspect(view)) suspects.delete(client);
      else if (busy.has(client) || !holds(client)) continue;
      else if (view.waitsUntilMs !== undefined && view.waitsUntilMs > clock.wallMs())
        next = Math.min(next, view.waitsUntilMs - clock.wallMs());
      else if (now - sinceMs < graceMs) next = Math.min(next, sinceMs + graceMs - now);
      else {
        busy.add(client);
        todo.push(client);
      }
    }
    if (next < Infinity) lookIn(next);
    if (todo.length > 0) logger.info({ sessions: todo.length }, 'settling sessions without a living door');
    while (atWork < MAX_AT_ONCE && todo.length > 0) void work();
  };

  const work = async (): Promise<void> => {
    atWork++;
    for (let client = todo.pop(); client !== undefined; client = todo.pop()) {
      try {
        const { settled, wills, denied } = await settle(client);
        if (settled) stats.settled++;
        stats.wills += wills;
        stats.willsDenied += denied;
        if (denied > 0)
          logger.info({ client, denied }, 'a will is not published: it is not allowed any more');
        suspects.delete(client);
        busy.delete(client);
        changed(client); // it may have got another door meanwhile that is dead too
      } catch (err) {
        stats.failed++;
        busy.delete(client);
        const { category } = ERRORS[errorCode(err)];
        const level = category === 'retryable' || category === 'overloaded' ? 'debug' : 'warn';
        logger[level]({ client, err }, 'a session could not be settled, trying again');
        lookIn(RETRY_MS);
      }
    }
    atWork--;
  };

  const offState = bus.onState((up) => {
    if (up) look();
  });

  void Promise.all([doors.ready, sessions.ready]).then(() => {
    known = true;
    look();
  });

  return {
    changed,
    doorLost(door) {
      ages.doorLost(door);
      for (const view of sessions.all()) if (view.door === door && isSuspect(view)) suspect(view.client);
    },
    look,
    stats,
    close() {
      closed = true;
      todo = [];
      cancelLook?.();
      offState();
      ages.close();
    },
  };
}
