import type { Clock } from '@trivium/actors';
import type { Bucket, Logger } from '@trivium/bus';
import { decodeJson, Presence, presenceKey } from '@trivium/contracts';
import type { Doors } from './doors.ts';

export interface DeadDoorsOptions {
  doors: Doors;
  /** Where the presence snapshots are. */
  devices: Bucket;
  clock: Clock;
  logger: Logger;
  /** From noticing to acting: what the door has told of its end is handled first, a lease on its way is seen. */
  graceMs: number;
  /** False for clients of partitions that others hold: it is theirs to tell. */
  holds(client: string): boolean;
  /** The device's door is gone. */
  tell(client: string, door: string, since: number | undefined): void;
}

/** Finds the devices that are said to be online at doors that no longer live. */
export interface DeadDoors {
  /** Looks through all snapshots of partitions held: after a door went, after partitions came. Calls within the grace time are one. */
  sweepSoon(): void;
  /** Looks after one device in a while, if its door is not known to live now. */
  check(client: string, door: string, connectedAt: number): void;
  /** Snapshots looked through, and devices told that their door is lost. */
  readonly stats: { readonly swept: number; readonly told: number };
  close(): void;
}

/** Devices to look after one by one; with more of them one sweep is cheaper. */
const MOST_SUSPECTS = 1_000;
/** Snapshots looked at in one turn of the event loop. */
const SLICE = 1_000;

interface Suspect {
  client: string;
  door: string;
  connectedAt: number;
  /** By the monotonic clock. */
  dueMs: number;
}

export function createDeadDoors(options: DeadDoorsOptions): DeadDoors {
  const { doors, devices, clock, logger, graceMs, holds, tell } = options;
  const stats = { swept: 0, told: 0 };
  let suspects: Suspect[] = [];
  let cancelCheck: (() => void) | undefined;
  let cancelSweep: (() => void) | undefined;
  let sweeping = false;
  let again = false;
  let closed = false;

  const judge = (client: string, door: string, connectedAt: number): void => {
    const verdict = doors.judge(door, connectedAt);
    if (!verdict.lost || !holds(client)) return;
    stats.told++;
    tell(client, door, verdict.since);
  };

  const sweep = async (): Promise<void> => {
    cancelSweep = undefined;
    if (sweeping) {
      again = true;
      return;
    }
    sweeping = true;
    try {
      await doors.ready;
      const entries = await devices.entries(presenceKey('x').replace(/x$/, '*'));
      for (let i = 0; i < entries.length && !closed; i++) {
        if (i % SLICE === SLICE - 1) await new Promise((resolve) => setImmediate(resolve));
        const read = decodeJson(Presence, entries[i]!.value);
        if (!read.ok || !read.value.online) continue;
        const { client, door = '', connectedAt = 0 } = read.value;
        judge(client, door, connectedAt);
      }
      stats.swept += entries.length;
    } catch (err) {
      logger.warn({ err }, 'the snapshots could not be looked through, trying again');
      again = true;
    }
    sweeping = false;
    if (again && !closed) sweepSoon();
    again = false;
  };

  const sweepSoon = (): void => {
    if (closed) return;
    cancelSweep ??= clock.after(graceMs, () => void sweep());
  };

  const checkSuspects = async (): Promise<void> => {
    await doors.ready;
    cancelCheck = undefined;
    const now = clock.monotonicMs();
    const due = suspects.filter(({ dueMs }) => dueMs <= now);
    suspects = suspects.slice(due.length);
    for (const { client, door, connectedAt } of due) judge(client, door, connectedAt);
    checkLater();
  };

  const checkLater = (): void => {
    const first = suspects[0];
    if (closed || first === undefined) return;
    cancelCheck ??= clock.after(first.dueMs - clock.monotonicMs(), () => void checkSuspects());
  };

  return {
    sweepSoon,
    check(client, door, connectedAt) {
      if (closed || !doors.judge(door, connectedAt).lost) return;
      if (suspects.length >= MOST_SUSPECTS) {
        sweepSoon();
        return;
      }
      suspects.push({ client, door, connectedAt, dueMs: clock.monotonicMs() + graceMs });
      checkLater();
    },
    stats,
    close() {
      closed = true;
      cancelCheck?.();
      cancelSweep?.();
    },
  };
}
