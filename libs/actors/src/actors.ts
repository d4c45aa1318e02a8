import type { Bus, BusMessage, Logger } from '@trivium/bus';
import { partitionOf, PARTITIONS, TriviumError, type StreamName } from '@trivium/contracts';
import type { ActorKind, HostedActor, Snapshot } from './actor.ts';
import { createActorStats, type ActorStats } from './actor-stats.ts';
import { createCells } from './cells.ts';
import { type Clock, systemClock } from './clock.ts';
import { createDeadLetters } from './dead-letters.ts';
import type { Asker } from './envelope.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { createLogReader, type Feed, type LogReader } from './log-reader.ts';
import { startPlacement } from './placement.ts';
import { type ActorRequest, serveRequests } from './requests.ts';
import { createShards } from './shards.ts';

export interface ActorsOptions {
  bus: Bus;
  logger: Logger;
  actors: readonly HostedActor[];
  clock?: Clock;
  limits?: Partial<Limits>;
  /** Of each partition's lease. Default 6,000; whole seconds. */
  leaseTtlMs?: number;
  /** Work stops this long before a lease can have expired. Default a sixth of it. */
  leaseMarginMs?: number;
  /** Partitions gained have been brought up to what was stored when they were gained. */
  onCurrent?(partitions: readonly number[]): void;
  /** Other work that goes with the partitions. */
  alongside?: PartitionWork;
}

/** Work beside the actors that belongs to whoever holds a partition. */
export interface PartitionWork {
  /** Begin it. */
  gained(partitions: readonly number[]): void;
  /** Stop at once: the lease lapsed, or somebody else has it. */
  lost(partition: number): void;
  /** Stop, and resolve when what the next owner needs is stored. Never rejects; must be bounded in time. */
  giving(partition: number): Promise<void>;
}

export interface Actors {
  /** Announced among the routers and the bus is up: partitions are taken as they come free. */
  readonly running: boolean;
  readonly partitionsHeld: number;
  readonly inMemory: number;
  /** Positions of the logs still to be considered, by the last look. */
  readonly lag: number;
  readonly stats: Readonly<ActorStats>;
  holds(partition: number): boolean;
  /** A message that does not come from the log. False: this process does not hold the actor's partition (or is handing it over). It is lost if the process dies: send it again from what is stored. */
  tell<State extends Snapshot, Message, Effect>(
    kind: ActorKind<State, Message, Effect>,
    id: string,
    message: Message,
  ): boolean;
  /** Stores what was begun, writes the checkpoints and gives all partitions back, so that another process goes on within milliseconds. */
  close(): Promise<void>;
}

/** Runs the actors of the partitions that this process comes to hold. */
export function startActors(options: ActorsOptions): Actors {
  const { bus, logger, clock = systemClock, leaseTtlMs = 6_000 } = options;
  const kinds = options.actors;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const stats = createActorStats();
  const readers = new Map<StreamName, LogReader>();
  const deadLetters = createDeadLetters(bus, clock, logger);
  let paused = false;

  const cells = createCells({
    bus,
    clock,
    logger,
    stats,
    limits,
    deadLetters,
    holds: (partition) => placement.holds(partition),
    confirm: (partition) => placement.confirm(partition),
    onEased() {
      if (!paused || stats.pending > limits.maxPending / 2) return;
      paused = false;
      for (const reader of readers.values()) reader.resume();
    },
  });

  const shards = createShards({
    bus,
    clock,
    logger,
    limits,
    kinds,
    cells,
    readerOf: (kind) => readers.get(kind.log)!,
    holds: (partition) => placement.holds(partition),
    confirm: (partition) => placement.confirm(partition),
    onCurrent(partitions) {
      for (const partition of partitions) requests.open(partition);
      options.onCurrent?.(partitions);
    },
  });

  const onMessage = (of: readonly HostedActor[], feed: Feed, pos: number, message: BusMessage): void => {
    const { subject } = message;
    for (const kind of of) {
      const id = kind.address(subject);
      if (id === undefined) continue;
      const shard = shards.find(kind, partitionOf(id));
      if (shard === undefined || shard.feed !== feed || pos <= shard.after) continue;
      stats.handled++;
      const decoded = kind.decode(subject, message.data);
      const envelope = {
        pos,
        subject,
        message: decoded.ok ? decoded.value : undefined,
        asker: undefined,
        tries: 0,
        buried: false,
      };
      if (decoded.ok) cells.take(shard, id, envelope);
      else cells.reject(shard, id, envelope, decoded.error);
    }
    if (!paused && stats.pending > limits.maxPending) {
      paused = true;
      for (const reader of readers.values()) reader.pause();
    }
  };

  for (const stream of new Set(kinds.map((kind) => kind.log))) {
    const of = kinds.filter((kind) => kind.log === stream);
    const reader = createLogReader({
      bus,
      stream,
      clock,
      logger,
      onMessage: (feed, pos, message) => onMessage(of, feed, pos, message),
      onLost(from, first) {
        stats.gaps++;
        logger.error(
          { stream, from, first },
          'messages were dropped by retention before any router had read them',
        );
      },
      onReset(last) {
        logger.error({ stream, last }, 'the log has lost its end, partitions are opened anew');
        shards.reopen();
      },
    });
    readers.set(stream, reader);
  }

  const take = (
    kind: HostedActor,
    id: string,
    message: unknown,
    subject: string,
    asker: Asker | undefined,
  ): boolean => {
    const shard = shards.find(kind, partitionOf(id));
    if (shard === undefined || shard.phase !== 'open' || !placement.holds(shard.partition)) return false;
    cells.take(shard, id, { pos: 0, subject, message, asker, tries: 0, buried: false });
    return true;
  };

  const requests = serveRequests(bus, (request: ActorRequest, asker: Asker) => {
    stats.requests++;
    const kind = kinds.find(({ name }) => name === request.actor);
    const message = kind?.request?.(request.body);
    if (kind === undefined || message === undefined)
      throw new TriviumError('not-found', `no actor "${request.actor}" takes requests`);
    if (!message.ok) throw new TriviumError(message.error.code, message.error.message);
    if (!take(kind, request.id, message.value, request.subject, asker))
      throw new TriviumError('bus.unavailable', 'the partition has moved');
  });

  const placement = startPlacement({
    bus,
    clock,
    logger,
    partitions: PARTITIONS,
    ttlMs: leaseTtlMs,
    marginMs: options.leaseMarginMs ?? leaseTtlMs / 6,
    onGained(partitions) {
      shards.open(partitions);
      options.alongside?.gained(partitions);
    },
    onLost(partition) {
      requests.close(partition);
      shards.drop(partition);
      options.alongside?.lost(partition);
    },
    async onGiving(partition) {
      requests.close(partition);
      await Promise.all([shards.handOver(partition), options.alongside?.giving(partition)]);
    },
  });

  return {
    get running() {
      return placement.running && bus.up;
    },
    get partitionsHeld() {
      return placement.held;
    },
    get inMemory() {
      return cells.size;
    },
    get lag() {
      let lag = 0;
      for (const reader of readers.values()) lag += reader.lag;
      return lag;
    },
    stats,
    holds: (partition) => placement.holds(partition),
    tell: (kind, id, message) => {
      const hosted = kinds.find(({ name }) => name === kind.name);
      return hosted !== undefined && take(hosted, id, message, '', undefined);
    },
    async close() {
      await placement.close();
      shards.close();
      for (const reader of readers.values()) reader.close();
      deadLetters.close();
    },
  };
}
