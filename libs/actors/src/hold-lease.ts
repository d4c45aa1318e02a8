import type { Bus } from '@trivium/bus';
import { type Clock, systemClock } from './clock.ts';
import { acquireLease, type Lease } from './lease.ts';

export interface HoldLeaseOptions {
  bus: Bus;
  /** In bucket `leases`, for example `door.<incarnation>`. */
  key: string;
  /** Must name this process. A function is asked at the start and after each loss, so that a lease taken again can say since when. */
  value: Uint8Array | (() => Uint8Array);
  /** Default 6,000; whole seconds. */
  ttlMs?: number;
  /** Default a third of `ttlMs`. */
  renewMs?: number;
  /** `onLost` comes this long before others can see the lease as gone. Default a sixth of `ttlMs`. */
  marginMs?: number;
  clock?: Clock;
  /** Called each time the lease is taken. */
  onHeld?(): void;
  /**
   * Called when the lease has lapsed (no renewal got through in time) or somebody else holds the key: stop what the lease stands for,
   * now and synchronously. A door closes its clients here. The lease is then taken anew as soon as possible.
   */
  onLost?(): void;
}

export interface HeldLease {
  readonly held: boolean;
  /** Resolves when the lease is held for the first time; it is tried until then. */
  readonly ready: Promise<void>;
  /** Deletes the lease and ends the renewals, without `onLost`. */
  release(): Promise<void>;
}

/** Holds a lease for as long as this process lives: takes it, renews it, tells when it is lost, takes it again. */
export function holdLease(options: HoldLeaseOptions): HeldLease {
  const { bus, key, value, clock = systemClock, ttlMs = 6_000 } = options;
  const renewMs = options.renewMs ?? ttlMs / 3;
  const marginMs = options.marginMs ?? ttlMs / 6;
  const bucket = bus.bucket('leases');
  const freshValue = (): Uint8Array => (typeof value === 'function' ? value() : value);
  let bytes = freshValue();
  let lease: Lease | undefined;
  let releasing = false;
  let busy: Promise<void> | undefined;
  let again = false; // the bus came back during an attempt that may yet fail for its absence
  let cancelRenewal: () => void = () => undefined;
  let cancelDeadline: () => void = () => undefined;
  let markReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (markReady = resolve));

  const lose = (): void => {
    cancelDeadline();
    void lease?.release();
    lease = undefined;
    options.onLost?.();
    bytes = freshValue();
  };

  const watchDeadline = (held: Lease): void => {
    cancelDeadline();
    cancelDeadline = clock.after(held.leftMs, () => {
      if (lease !== held) return;
      if (held.held) watchDeadline(held);
      else lose();
    });
  };

  const renew = async (held: Lease): Promise<void> => {
    const outcome = await held.renew();
    if (lease !== held || outcome === 'unknown') return;
    if (outcome === 'renewed') watchDeadline(held);
    else lose();
  };

  const acquire = async (): Promise<void> => {
    const taken = await acquireLease({ bucket, key, value: bytes, ttlMs, marginMs, clock });
    if (taken === undefined) return;
    lease = taken;
    if (releasing) return;
    watchDeadline(taken);
    options.onHeld?.();
    markReady();
  };

  const attempt = (): void => {
    // A rejection says that the bus does not answer; the next tick, or the bus coming back, tries again.
    busy = (lease === undefined ? acquire() : renew(lease))
      .catch(() => undefined)
      .finally(() => {
        busy = undefined;
        if (again && !releasing) attempt();
        again = false;
      });
  };

  const tick = (): void => {
    cancelRenewal();
    cancelRenewal = clock.after(renewMs, tick);
    if (busy === undefined) attempt();
  };

  const offState = bus.onState((up) => {
    if (!up || releasing) return;
    again = busy !== undefined;
    tick();
  });
  tick();

  return {
    get held() {
      return lease?.held ?? false;
    },
    ready,
    async release() {
      if (releasing) return;
      releasing = true;
      offState();
      cancelRenewal();
      cancelDeadline();
      await busy;
      await lease?.release();
      lease = undefined;
    },
  };
}
