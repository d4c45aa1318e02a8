import { createLogReader, type Clock, type Feed, type PartitionWork } from '@trivium/actors';
import type { Bus, BusMessage, Logger } from '@trivium/bus';
import { decodeRetain, partitionOf } from '@trivium/contracts';
import { topicTokens } from '@trivium/delivery';
import { readUpTo, SleepIndex, type SessionLimits, type SessionView } from '@trivium/sessions';
import { createAgedEnd } from './aged-end.ts';
import { createIndexCheckpoints, type IndexCheckpoints } from './index-checkpoints.ts';
import { createIndexPartitions } from './index-partitions.ts';
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
  /** Last log position considered for all partitions that are open; 0: none is. */
  readonly readUpTo: number;
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

export function createPositionIndex(options: PositionIndexOptions): PositionIndex {
  const { bus, clock, logger, sessions, holds } = options;
  const index = new SleepIndex({ limits: options.limits });
  let closed = false;
  let cancelSettle: (() => void) | undefined;
  const agedEnd = createAgedEnd(bus, clock);
  const checkpoints = createIndexCheckpoints(bus, logger);
  const requests = servePositions(bus, index, clock);
  const repair = createRetainedRepair({
    bus,
    clock,
    logger,
    holds: (partition) => partitions.open.has(partition) && holds(partition),
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
    if (headers !== undefined && decodeRetain((name) => headers.get(name))) {
      const rider = partitions.open.get(topicPartition(tokens));
      if (rider?.feed === feed && pos > rider.after) repair.consider(pos, tokens);
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
      queueMicrotask(() => partitions.restart(last));
    },
  });

  const partitions = createIndexPartitions({
    ...{ bus, clock, logger, index, reader, sessions, checkpoints, requests },
    checkpointAt: () => Math.min(agedEnd.pos, repair.oldest - 1),
  });

  /** One after the other, so that all of them together are no burst. */
  const checkpointAll = async (): Promise<void> => {
    index.forgetAwake(clock.monotonicMs() - AWAKE_MS);
    for (const partition of partitions.open.keys())
      if (bus.up && holds(partition)) await partitions.checkpoint(partition);
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
    work: partitions.work,
    changed(client, view) {
      const partition = partitionOf(client);
      if (index.partition(partition) === undefined) return;
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
      return partitions.open.size;
    },
    get readUpTo() {
      const { open } = partitions;
      return open.size === 0 ? 0 : Math.min(...[...open.keys()].map(readPos));
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
      partitions.close();
      reader.close();
      repair.close();
      agedEnd.close();
    },
  };
}
