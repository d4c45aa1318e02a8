import type { Bucket, Logger } from '@trivium/bus';
import { decodeJson, DoorLease, doorLeaseKey } from '@trivium/contracts';

export interface DoorsOptions {
  leases: Bucket;
  logger: Logger;
  /** A door stopped, or its lease began anew. */
  onChange(door: string): void;
}

/** Which doors live, by their leases. */
export interface Doors {
  /** Resolves when all leases are known. */
  readonly ready: Promise<void>;
  readonly alive: number;
  /** Those that live and hold sessions. */
  sessionDoors(): string[];
  /**
   * Whether a connection that began at `connectedAt` (by the door's clock) can be alive at this door: `since` is undefined when the door
   * has no lease at all, else when the present lease began.
   */
  judge(
    door: string,
    connectedAt: number,
  ): { readonly lost: false } | { readonly lost: true; readonly since: number | undefined };
  close(): void;
}

const SESSION_SERVICES: ReadonlySet<string> = new Set(['mqtt-ingress', 'ws-ingress']);
const FIRST = doorLeaseKey('x').slice(0, -1);

export function watchDoors({ leases, logger, onChange }: DoorsOptions): Doors {
  const startedAt = new Map<string, number>(); // by the door's name in its key: incarnations are tokens
  const sessionDoors = new Set<string>();
  let markReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (markReady = resolve));
  const watch = leases.watch(
    `${FIRST}*`,
    (key, value) => {
      const door = key.slice(FIRST.length);
      const lease = value === undefined ? undefined : decodeJson(DoorLease, value);
      const before = startedAt.get(door);
      if (lease === undefined) startedAt.delete(door);
      // A lease that cannot be read is one of a later version: its door lives.
      else startedAt.set(door, lease.ok ? lease.value.startedAt : 0);
      if (lease?.ok && SESSION_SERVICES.has(lease.value.service)) sessionDoors.add(door);
      else sessionDoors.delete(door);
      const now = startedAt.get(door);
      if (before === undefined || before === now) return;
      logger.info({ door, anew: now !== undefined }, 'a door has lost its lease');
      onChange(door);
    },
    markReady,
  );
  return {
    ready,
    get alive() {
      return startedAt.size;
    },
    sessionDoors: () => [...sessionDoors],
    judge(door, connectedAt) {
      const since = startedAt.get(door);
      if (since !== undefined && connectedAt >= since) return { lost: false };
      return { lost: true, since };
    },
    close: watch.close,
  };
}
