import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, LogReader, PartitionWork, Rider } from '@trivium/actors';
import type { Bus, Logger } from '@trivium/bus';
import { partitionOf } from '@trivium/contracts';
import type { IndexSnapshot, SleepIndex } from '@trivium/sessions';
import type { Checkpoint, IndexCheckpoints } from './index-checkpoints.ts';
import type { PositionRequests } from './position-requests.ts';
import type { SessionWatch } from './session-watch.ts';

export interface IndexPartitionsOptions {
  bus: Bus;
  clock: Clock;
  logger: Logger;
  index: SleepIndex;
  reader: LogReader;
  sessions: SessionWatch;
  checkpoints: IndexCheckpoints;
  requests: PositionRequests;
  /** The log position that a checkpoint written now may stand for. */
  checkpointAt(): number;
}

/** A partition of the index while this router holds it, bound to the reading of the log. */
export interface OpenPartition extends Rider {
  readonly checkpoint: Checkpoint;
}

/** The partitions of the position index: opened at their checkpoints, written down, closed at a hand-over. */
export interface IndexPartitions {
  readonly work: PartitionWork;
  /** Those that are read and answered for. */
  readonly open: ReadonlyMap<number, OpenPartition>;
  checkpoint(partition: number): Promise<void>;
  /** Everything again: the log ends at `last` now. */
  restart(last: number): void;
  close(): void;
}

/** Sessions added in one turn of the event loop: each may bring a thousand positions. */
const AT_ONCE = 500;
const RETRY_MS = 500;
const HAND_OVER_MS = 2_000;
/** A checkpoint further back than this costs more to go on from than scans for those who come. */
const MAX_BACK = 2_000_000;

type Read = { readonly checkpoint: Checkpoint; readonly snapshot: IndexSnapshot | undefined };

export function createIndexPartitions(options: IndexPartitionsOptions): IndexPartitions {
  const { bus, clock, logger, index, reader, sessions, checkpoints, requests } = options;
  const open = new Map<number, OpenPartition>();
  /** Gained and not lost since; the number tells one gain from the next. */
  const wanted = new Map<number, number>();
  let gains = 0;
  let closed = false;
  let cancelTidy: (() => void) | undefined;

  const gained = (partitions: readonly number[]): void => {
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
      const ready = new Map<number, Read>(read.filter(([partition]) => current.has(partition)));
      if (ready.size > 0) await start(ready, end);
    };
    const tryUntilDone = (): void => {
      attempt().catch((err: unknown) => {
        logger.debug({ err }, 'the position index could not be opened, trying again');
        if (still().length > 0) clock.after(RETRY_MS, tryUntilDone);
      });
    };
    tryUntilDone();
  };

  const start = async (partitions: ReadonlyMap<number, Read>, end: number): Promise<void> => {
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
    const isOurs = (partition: number, rider: OpenPartition): boolean =>
      index.partition(partition)?.reading === rider;
    let added = 0;
    for (const { client, sleep } of sessions.all()) {
      const partition = partitionOf(client);
      const rider = riders.get(partition);
      if (sleep === undefined || rider === undefined || !isOurs(partition, rider)) continue;
      index.sleep(partition, client, sleep, snapshots.get(partition)?.take(client, sleep.filters));
      if (++added % AT_ONCE !== 0) continue;
      index.settle();
      await turn();
    }
    index.settle();
    // In one turn: the reading begins behind the last session.
    const still = [...riders].filter(([partition, rider]) => isOurs(partition, rider));
    if (still.length === 0 || closed) return;
    for (const [partition, rider] of still) open.set(partition, rider);
    index.begin(Math.min(...still.map(([, { after }]) => after)));
    reader.add(still.map(([, rider]) => rider));
    for (const [partition] of still) requests.open(partition);
    logger.debug({ partitions: still.length, restored: snapshots.size }, 'the position index is open');
  };

  const stop = (partition: number): void => {
    requests.close(partition);
    const rider = open.get(partition);
    if (rider !== undefined) reader.remove(rider);
    open.delete(partition);
    index.close(partition);
    tidySoon();
  };

  const stopAll = (): void => {
    for (const partition of [...index.partitions.keys()]) stop(partition);
  };

  const tidySoon = (): void => {
    cancelTidy ??= clock.after(0, () => {
      cancelTidy = undefined;
      if (index.tidy()) tidySoon();
    });
  };

  const checkpoint = async (partition: number): Promise<void> => {
    const rider = open.get(partition);
    const indexed = index.partition(partition);
    if (rider === undefined || indexed?.reading !== rider) return;
    await checkpoints.write(partition, indexed, rider.checkpoint, options.checkpointAt());
  };

  const handOver = async (partition: number): Promise<void> => {
    const rider = open.get(partition);
    if (rider === undefined) return;
    reader.remove(rider);
    let cancel = (): void => undefined;
    const tooLate = new Promise<void>((resolve) => (cancel = clock.after(HAND_OVER_MS, resolve)));
    await Promise.race([checkpoint(partition), tooLate]);
    cancel();
  };

  return {
    work: {
      gained,
      lost(partition) {
        wanted.delete(partition);
        stop(partition);
      },
      async giving(partition) {
        wanted.delete(partition);
        requests.close(partition);
        await handOver(partition);
        if (!wanted.has(partition)) stop(partition);
      },
    },
    open,
    checkpoint,
    restart(last) {
      stopAll();
      index.reset(last);
      gained([...wanted.keys()]);
    },
    close() {
      closed = true;
      stopAll();
      cancelTidy?.();
    },
  };
}
