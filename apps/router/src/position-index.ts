import { createLogReader, type Clock, type Feed, type PartitionWork, type Rider } from '@trivium/actors';
import type { Bus, BusMessage, Logger } from '@trivium/bus';
import { partitionOf } from '@trivium/contracts';
import { topicTokens } from '@trivium/delivery';
import {
  readUpTo,
  SleepIndex,
  type IndexSnapshot,
  type SessionLimits,
  type SessionView,
} from '@trivium/sessions';
import { createAgedEnd } from './aged-end.ts';
import { createIndexCheckpoints, type Checkpoint, type IndexCheckpoints } from './index-checkpoints.ts';
import { servePositions, type PositionRequests } from './position-requests.ts';
import { createRetainedRepair, topicPartition, type RetainedRepair } from './retained-repair.ts';
import type { SessionWatch } from './session-watch.ts';

export interface PositionIndexOptions {
  bus: Bus;
  clock: Clock;
  logger: Logger;
  sessions: SessionWatch;
  limits: SessionLimits;
  holds(partition: number): boolean;
}

/**
 * The position index of the partitions that this router holds (rule 7): follows the log, keeps positions for sleeping sessions, answers
 * doors that take such a session up. An optimisation, never a truth: what it does not know is found by a scan.
 */
export interface PositionIndex {
  readonly work: PartitionWork;
  /** The watched record of this client has changed. */
  changed(client: string, view: SessionView | undefined): void;
  readonly totals: ReturnType<SleepIndex['totals']>;
  /** Messages that limits took from sessions. */
  readonly dropped: number;
  readonly partitionsOpen: number;
  /** Positions of the log still to be read, by the last look. */
  readonly lag: number;
  readonly requests: PositionRequests['stats'];
  readonly checkpoints: IndexCheckpoints['stats'];
  readonly retained: RetainedRepair['stats'];
  close(): void;
}

/** Sessions that go to sleep within this time are added together. */
const SETTLE_MS = 50;
/** A door asks after it has claimed the session: it is kept that long. */
const AWAKE_MS = 60_000;
const CHECKPOINT_MS = 10_000;
const RETRY_MS = 500;
const HAND_OVER_MS = 2_000;
/** A checkpoint further back than this costs more to go on from than scans for those who come. */
const MAX_BACK = 2_000_000;

interface OpenPartition extends Rider {
  readonly checkpoint: Checkpoint;
}

export function createPositionIndex(options: PositionIndexOptions): PositionIndex {
  const { bus, clock, logger, sessions, holds } = options;
  const index = new SleepIndex({ limits: options.limits });
  const open = new Map<number, OpenPartition>();
  /** Gained and not lost since; the number tells one gain from the next. */
  const wanted = new Map<number, number>();
  let gains = 0;
  let closed = false;
  let cancelSettle: (() => void) | undefined;
  const agedEnd = createAgedEnd(bus, clock);
  const checkpoints = createIndexCheckpoints(bus, logger);
  const requests = servePositions(bus, index, clock);
  const repair = createRetainedRepair({
    bus,
    clock,
    logger,
    holds: (partition) => open.has(partition) && holds(partition),
    agedEnd: () => agedEnd.pos,
    readUpTo: (partition) => readPos(partition),
    onFull: (full) => (full ? reader.pause() : reader.resume()),
  });

  const readPos = (partition: number): number => {
    const at = index.partition(partition);
    return at === undefined ? 0 : readUpTo(at);
  };

  const onMessage = (feed: Feed, pos: number, message: BusMessage): void => {
    const tokens = topicTokens(message.subject);
    index.consider(feed, pos, tokens, message.data.length);
    const { headers } = message;
    if (headers !== undefined) {
      const rider = open.get(topicPartition(tokens));
      if (rider?.feed === feed && pos > rider.after) repair.consider(pos, tokens, headers);
    }
    if (pos >= requests.awaited) requests.wake();
  };

  const reader = createLogReader({
    bus,
    stream: 'MESSAGES',
    clock,
    logger,
    onMessage,
    onLost: (from, first) =>
      logger.warn({ from, first }, 'the log was dropped by retention before the position index had read it'),
    onReset(last) {
      logger.error({ last }, 'the log has lost its end, the position index begins anew');
      queueMicrotask(() => {
        for (const partition of open.keys()) stop(partition);
        begin([...wanted.keys()]);
      });
    },
  });

  /** In one turn: from here on nothing that is stored above the partitions' positions is missed. */
  const start = (
    partitions: ReadonlyMap<number, { checkpoint: Checkpoint; snapshot: IndexSnapshot | undefined }>,
    end: number,
  ): void => {
    const riders = new Map<number, OpenPartition>();
    const snapshots = new Map<number, IndexSnapshot>();
    for (const [partition, { checkpoint, snapshot }] of partitions) {
      stop(partition);
      // One beyond the end stands for messages that NATS lost in a power cut.
      const usable = snapshot !== undefined && snapshot.pos <= end && snapshot.pos >= end - MAX_BACK;
      if (usable) snapshots.set(partition, snapshot);
      riders.set(partition, { feed: undefined, after: usable ? snapshot.pos : end, checkpoint });
    }
    index.open(riders);
    for (const { client, sleep } of sessions.all()) {
      const partition = partitionOf(client);
      if (sleep === undefined || !riders.has(partition)) continue;
      index.sleep(partition, client, sleep, snapshots.get(partition)?.take(client, sleep.filters));
    }
    index.settle();
    for (const [partition, rider] of riders) open.set(partition, rider);
    reader.add([...riders.values()]);
    for (const partition of riders.keys()) requests.open(partition);
    logger.debug({ partitions: [...riders.keys()], restored: snapshots.size }, 'the position index is open');
  };

  const begin = (partitions: readonly number[]): void => {
    const gain = ++gains;
    for (const partition of partitions) wanted.set(partition, gain);
    const still = (): number[] =>
      closed ? [] : partitions.filter((partition) => wanted.get(partition) === gain);
    const attempt = async (): Promise<void> => {
      await sessions.ready;
      const read = await Promise.all(
        still().map(async (partition) => [partition, await checkpoints.read(partition)] as const),
      );
      const end = await bus.lastPos('MESSAGES');
      const current = new Set(still());
      const ready = new Map(read.filter(([partition]) => current.has(partition)));
      if (ready.size > 0) start(ready, end);
    };
    const tryUntilDone = (): void => {
      attempt().catch((err: unknown) => {
        logger.debug({ err }, 'the position index could not be opened, trying again');
        if (still().length > 0) clock.after(RETRY_MS, tryUntilDone);
      });
    };
    tryUntilDone();
  };

  const stop = (partition: number): void => {
    requests.close(partition);
    const rider = open.get(partition);
    if (rider !== undefined) reader.remove(rider);
    open.delete(partition);
    index.close(partition);
  };

  const checkpoint = async (partition: number, rider: OpenPartition): Promise<void> => {
    const indexed = index.partition(partition);
    if (indexed?.reading !== rider) return;
    const through = Math.min(agedEnd.pos, repair.oldest - 1);
    await checkpoints.write(partition, indexed, rider.checkpoint, through);
  };

  /** One after the other, so that all of them together are no burst. */
  const checkpointAll = async (): Promise<void> => {
    index.forgetAwake(clock.monotonicMs() - AWAKE_MS);
    for (const [partition, rider] of open) if (bus.up && holds(partition)) await checkpoint(partition, rider);
  };
  const tick = (): void => {
    void checkpointAll().then(() => {
      if (!closed) cancelTick = clock.after(CHECKPOINT_MS, tick);
    });
  };
  let cancelTick = clock.after(CHECKPOINT_MS, tick);

  const settleSoon = (): void => {
    cancelSettle ??= clock.after(SETTLE_MS, () => {
      cancelSettle = undefined;
      index.settle();
    });
  };

  return {
    work: {
      gained: begin,
      lost(partition) {
        wanted.delete(partition);
        stop(partition);
      },
      async giving(partition) {
        wanted.delete(partition);
        requests.close(partition);
        const rider = open.get(partition);
        if (rider !== undefined) {
          reader.remove(rider);
          let cancel = (): void => undefined;
          const tooLate = new Promise<void>((resolve) => (cancel = clock.after(HAND_OVER_MS, resolve)));
          await Promise.race([checkpoint(partition, rider), tooLate]);
          cancel();
        }
        if (!wanted.has(partition)) stop(partition);
      },
    },
    changed(client, view) {
      const partition = partitionOf(client);
      if (!open.has(partition)) return;
      if (view === undefined) index.forget(partition, client);
      else if (view.sleep === undefined) index.wake(partition, client, clock.monotonicMs());
      else {
        index.sleep(partition, client, view.sleep);
        settleSoon();
      }
    },
    get totals() {
      return index.totals();
    },
    get dropped() {
      return index.dropped;
    },
    get partitionsOpen() {
      return open.size;
    },
    get lag() {
      return reader.lag;
    },
    requests: requests.stats,
    checkpoints: checkpoints.stats,
    retained: repair.stats,
    close() {
      closed = true;
      cancelTick();
      cancelSettle?.();
      for (const partition of [...open.keys()]) stop(partition);
      reader.close();
      repair.close();
      agedEnd.close();
    },
  };
}
