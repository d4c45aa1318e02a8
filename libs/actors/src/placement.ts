import type { Bus, Logger, Watch } from '@trivium/bus';
import { partitionLeaseKey } from '@trivium/contracts';
import type { Clock } from './clock.ts';
import { planPlacement } from './fair-share.ts';
import { holdLease } from './hold-lease.ts';
import { acquireLease, type Lease } from './lease.ts';
import {
  EVERY_PARTITION,
  EVERY_ROUTER,
  ownerOf,
  ownerValue,
  partitionOfKey,
  routerLeaseKey,
  routerOfKey,
} from './lease-keys.ts';

export interface PlacementOptions {
  bus: Bus;
  clock: Clock;
  logger: Logger;
  partitions: number;
  ttlMs: number;
  marginMs: number;
  /** Begin work. Partitions gained within a few milliseconds come together. */
  onGained(partitions: readonly number[]): void;
  /** Stop work on it at once: the lease lapsed, or somebody else has it. */
  onLost(partition: number): void;
  /** Take no more work for it and resolve when what was begun is finished. Never rejects; must be bounded in time. */
  onGiving(partition: number): Promise<void>;
}

/** Which partitions this process owns, by leases that it shares fairly with the others of its kind. */
export interface Placement {
  /** True until the lease's deadline by the local clock, also while it is being handed over. */
  holds(partition: number): boolean;
  /** Partitions held now. */
  readonly held: number;
  /** Routers that hold a lease, this one included. */
  readonly members: number;
  /** Announced, and the leases of all others are known. */
  readonly running: boolean;
  /** Asks the bucket whether the partition is still ours, and stops work on it when not. Rejects when the bus does not answer. */
  confirm(partition: number): Promise<boolean>;
  /** Hands everything over and deletes all leases of this process. */
  close(): Promise<void>;
}

/** Gains that come within this time are reported together: they can then share one reading of the log. */
const GATHER_MS = 10;

export function startPlacement(options: PlacementOptions): Placement {
  const { bus, clock, logger, ttlMs, marginMs } = options;
  const self = bus.incarnation;
  const bucket = bus.bucket('leases');
  const value = ownerValue(self);
  const leases = new Map<number, Lease>();
  const claiming = new Map<number, Promise<void>>();
  const giving = new Map<number, Promise<void>>();
  const others = new Map<number, string>(); // owner of each partition, as watched
  const members = new Set<string>();
  let viewsReady = 0;
  let closing = false;
  let gained: number[] = [];
  let cancelTick: () => void = () => undefined;
  let cancelDeadline: () => void = () => undefined;

  const running = (): boolean => viewsReady === 2 && member.held && !closing;

  const lose = (partition: number, why: string): void => {
    const lease = leases.get(partition);
    if (lease === undefined) return;
    leases.delete(partition);
    void lease.release();
    logger.warn({ partition, why }, 'partition lost');
    options.onLost(partition);
  };

  const owners = (): (string | undefined)[] =>
    Array.from({ length: options.partitions }, (_, partition) => {
      if (leases.has(partition) || claiming.has(partition)) return giving.has(partition) ? 'leaving' : self;
      const owner = others.get(partition);
      return owner === self ? undefined : owner; // ours no longer, the watch has yet to tell
    });

  const balance = (): void => {
    if (!running() || !bus.up) return;
    const plan = planPlacement({ owners: owners(), members, self });
    for (const partition of plan.claim) claiming.set(partition, claim(partition));
    for (const partition of plan.give) void give(partition);
  };

  const claim = async (partition: number): Promise<void> => {
    const key = partitionLeaseKey(partition);
    const taking = acquireLease({ bucket, key, value, ttlMs, marginMs, clock });
    const lease = await taking.catch(() => undefined); // not known: the next tick tries again
    claiming.delete(partition);
    if (lease === undefined) return;
    if (closing) return lease.release();
    leases.set(partition, lease);
    watchDeadlines();
    gained.push(partition);
    if (gained.length === 1) clock.after(GATHER_MS, reportGained);
  };

  const reportGained = (): void => {
    const partitions = gained.filter((partition) => leases.has(partition) && !giving.has(partition));
    gained = [];
    if (partitions.length === 0 || closing) return;
    logger.info({ partitions }, 'partitions gained');
    options.onGained(partitions);
  };

  const give = (partition: number): Promise<void> => {
    const lease = leases.get(partition);
    if (lease === undefined) return Promise.resolve();
    const handing = async (): Promise<void> => {
      await options.onGiving(partition);
      await lease.release();
      if (leases.get(partition) === lease) leases.delete(partition);
      giving.delete(partition);
    };
    const begun = giving.get(partition) ?? handing();
    giving.set(partition, begun);
    return begun;
  };

  const checkDeadlines = (): void => {
    for (const [partition, lease] of leases)
      if (!lease.held && !giving.has(partition)) lose(partition, 'lapsed');
    watchDeadlines();
  };

  const watchDeadlines = (): void => {
    cancelDeadline();
    let soonest = Infinity;
    for (const lease of leases.values()) if (lease.held) soonest = Math.min(soonest, lease.leftMs);
    if (soonest < Infinity) cancelDeadline = clock.after(soonest, checkDeadlines);
  };

  const renewAll = async (): Promise<void> => {
    const all = [...leases].map(async ([partition, lease]) => {
      const outcome = await lease.renew();
      if (outcome === 'lost' && leases.get(partition) === lease && !giving.has(partition))
        lose(partition, 'refused');
    });
    await Promise.all(all);
    checkDeadlines();
    balance();
  };

  const tick = (): void => {
    cancelTick();
    cancelTick = clock.after(ttlMs / 3, tick);
    void renewAll();
  };

  const offState = bus.onState((up) => {
    if (up && !closing) tick();
  });
  const onViewReady = (): void => {
    viewsReady++;
    balance();
  };
  const watches: Watch[] = [
    bucket.watch(
      EVERY_PARTITION,
      (key, bytes, revision) => {
        const partition = partitionOfKey(key);
        const owner = bytes === undefined ? undefined : ownerOf(bytes);
        if (owner === undefined) others.delete(partition);
        else others.set(partition, owner);
        const lease = leases.get(partition);
        const moved = owner !== self && lease !== undefined && revision > lease.revision;
        if (moved && !giving.has(partition)) lose(partition, 'taken');
        if (owner === undefined) balance();
      },
      onViewReady,
    ),
    bucket.watch(
      EVERY_ROUTER,
      (key, bytes) => {
        const router = routerOfKey(key);
        if (bytes !== undefined && members.has(router)) return; // a renewal
        if (bytes === undefined) members.delete(router);
        else members.add(router);
        balance();
      },
      onViewReady,
    ),
  ];
  const member = holdLease({
    bus,
    key: routerLeaseKey(self),
    value,
    ttlMs,
    marginMs,
    clock,
    onHeld: balance,
  });
  tick();

  return {
    holds: (partition) => leases.get(partition)?.held ?? false,
    get held() {
      let held = 0;
      for (const lease of leases.values()) if (lease.held) held++;
      return held;
    },
    get members() {
      return members.size + (members.has(self) ? 0 : 1);
    },
    get running() {
      return running();
    },
    async confirm(partition) {
      const lease = leases.get(partition);
      if (lease === undefined) return false;
      if (await lease.confirm()) return leases.get(partition) === lease;
      if (leases.get(partition) === lease && !giving.has(partition)) lose(partition, 'not ours');
      return false;
    },
    async close() {
      if (closing) return;
      closing = true;
      offState();
      for (const watch of watches) watch.close();
      // First of all: others then count this router out and may take what it gives.
      await member.release();
      await Promise.all([...claiming.values(), ...[...leases.keys()].map(give)]);
      cancelTick();
      cancelDeadline();
    },
  };
}
