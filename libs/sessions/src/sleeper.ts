import type { PositionQueue, SessionLimits } from './position-queue.ts';
import type { LogFilter } from './session-view.ts';

/** The reading of the log that a partition's sessions follow: `feed` where it is now, which at or below `after` brings nothing new. */
export interface PartitionReading {
  readonly feed: { readonly pos: number } | undefined;
  readonly after: number;
}

/** The sessions of one partition in the index. */
export interface IndexedPartition {
  readonly reading: PartitionReading;
  readonly sleepers: Map<string, Sleeper>;
  /** Something has changed since this was last set to false. */
  changed: boolean;
}

/** Last position considered for all sessions of the partition. */
export function readUpTo({ reading }: IndexedPartition): number {
  return Math.max(reading.after, reading.feed?.pos ?? 0);
}

/** One filter of a session in the index. */
export interface Wish {
  readonly sleeper: Sleeper;
  readonly from: number;
}

/** A session whose client is away, or has just come back. */
export interface Sleeper {
  readonly client: string;
  readonly partition: IndexedPartition;
  readonly filters: readonly LogFilter[];
  readonly wishes: readonly Wish[];
  readonly queue: PositionQueue;
  /** What lies at or below it is not covered. */
  from: number;
  /** At or below it everything is in the queue, or not wanted. */
  taken: number;
  /** When its client came back; undefined while it is away. */
  awakeMs: number | undefined;
}

export function createSleeper(
  client: string,
  partition: IndexedPartition,
  filters: readonly LogFilter[],
  queue: PositionQueue,
  from: number,
  taken: number,
): Sleeper {
  const wishes: Wish[] = [];
  const sleeper = { client, partition, filters, wishes, queue, from, taken, awakeMs: undefined };
  for (const filter of filters) wishes.push({ sleeper, from: filter.from });
  return sleeper;
}

/** A message on a topic that the wish matches. How many messages the limits took for it. */
export function offer({ sleeper, from }: Wish, pos: number, size: number, limits: SessionLimits): number {
  // Several filters of a session may match.
  if (pos <= from || pos <= sleeper.taken) return 0;
  sleeper.taken = pos;
  sleeper.partition.changed = true;
  sleeper.queue.push(pos, size);
  return sleeper.queue.trim(limits);
}

export function sameFilters(a: readonly LogFilter[], b: readonly LogFilter[]): boolean {
  if (a === b) return true;
  return (
    a.length === b.length && a.every(({ filter, from }, i) => filter === b[i]!.filter && from === b[i]!.from)
  );
}
