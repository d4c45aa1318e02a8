import type { Clock } from '@trivium/actors';
import type { Bus } from '@trivium/bus';

/** NATS has written to disk what is this old (its `sync_interval` is a second): a power cut does not give these positions out again. */
const AGE_MS = 3_000;
const LOOK_MS = 1_000;

/** Where the log ended a few seconds ago. */
export interface AgedEnd {
  /** 0: not known yet. */
  readonly pos: number;
  close(): void;
}

export function createAgedEnd(bus: Pick<Bus, 'up' | 'lastPos' | 'onState'>, clock: Clock): AgedEnd {
  let looks: { atMs: number; pos: number }[] = [];
  let pos = 0;
  let closed = false;

  const look = async (): Promise<void> => {
    if (!bus.up) return;
    // As of before the request: the answer cannot be older.
    const atMs = clock.monotonicMs();
    const end = await bus.lastPos('MESSAGES').catch(() => undefined);
    if (end !== undefined && bus.up) looks.push({ atMs, pos: end });
  };
  const ripen = (): void => {
    const now = clock.monotonicMs();
    while (looks.length > 0 && now - looks[0]!.atMs >= AGE_MS) pos = looks.shift()!.pos;
  };
  const tick = (): void => {
    ripen();
    void look().then(() => {
      if (!closed) cancel = clock.after(LOOK_MS, tick);
    });
  };
  // What was stored just before NATS went away may be gone.
  const offState = bus.onState((up) => {
    if (up) return;
    ripen();
    looks = [];
  });
  let cancel = clock.after(0, tick);
  return {
    get pos() {
      return pos;
    },
    close() {
      closed = true;
      cancel();
      offState();
    },
  };
}
