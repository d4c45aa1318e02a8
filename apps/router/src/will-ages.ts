import type { Clock } from '@trivium/actors';
import type { Bus } from '@trivium/bus';

/** Half of the duplicate window: a will that was published at most so long ago is recognised by its id when it comes again. */
const YOUNG_MS = 60_000;
/** After a reconnect, changes may be noticed this long after they happened. */
const UNSURE_MS = 20_000;
const DOORS = 1_000;

/**
 * How old a will can be that another process may have published already. Only what this router saw happen, on a connection that held,
 * has an age; everything else counts as old.
 */
export interface WillAges {
  /** The door has just lost its lease. */
  doorLost(door: string): void;
  /** When a door lost its lease, by the monotonic clock; -Infinity: not known. */
  lostMs(door: string): number;
  /** Whether a will that became due at `sinceMs` may have been published longer ago than JetStream remembers. */
  isOld(sinceMs: number): boolean;
  close(): void;
}

export function createWillAges(bus: Pick<Bus, 'onState'>, clock: Clock): WillAges {
  const lost = new Map<string, number>();
  let reconnectedMs = -Infinity;
  const offState = bus.onState((up) => {
    if (up) reconnectedMs = clock.monotonicMs();
  });
  return {
    doorLost(door) {
      lost.delete(door);
      lost.set(door, clock.monotonicMs());
      if (lost.size > DOORS) lost.delete(lost.keys().next().value!);
    },
    lostMs: (door) => lost.get(door) ?? -Infinity,
    isOld: (sinceMs) => clock.monotonicMs() - sinceMs > YOUNG_MS || sinceMs - reconnectedMs < UNSURE_MS,
    close: offState,
  };
}
