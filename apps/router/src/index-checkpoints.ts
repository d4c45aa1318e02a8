import type { Bus, Logger } from '@trivium/bus';
import {
  type IndexedPartition,
  type IndexSnapshot,
  readIndexSnapshot,
  readUpTo,
  writeIndexSnapshot,
} from '@trivium/sessions';

/** What is known of a partition's key in bucket `positions`. */
export interface Checkpoint {
  /** Revision of the key; 0: there is none; undefined: not known. */
  revision: number | undefined;
  /** Log position of what was last written or read. */
  pos: number;
}

export interface IndexCheckpoints {
  read(partition: number): Promise<{ checkpoint: Checkpoint; snapshot: IndexSnapshot | undefined }>;
  /** Writes the partition as of `through`, unless it would say nothing new. Never rejects. */
  write(partition: number, indexed: IndexedPartition, checkpoint: Checkpoint, through: number): Promise<void>;
  readonly stats: { readonly writes: number; readonly failed: number; readonly bytes: number };
}

/** One key takes at most this much; what does not fit is found by a scan. */
const MAX_BYTES = 4 << 20;
/** A partition in which nothing happens is written again when the log has moved on so far: its next owner reads no more than that. */
const FAR = 100_000;

/** The position index in bucket `positions`, a key per partition. */
export function createIndexCheckpoints(bus: Bus, logger: Logger): IndexCheckpoints {
  const bucket = bus.bucket('positions');
  const stats = { writes: 0, failed: 0, bytes: 0 };
  const keyOf = (partition: number): string => `index.${partition}`;

  return {
    async read(partition) {
      const entry = await bucket.get(keyOf(partition));
      const snapshot = entry === undefined ? undefined : readIndexSnapshot(entry.value);
      return { checkpoint: { revision: entry?.revision ?? 0, pos: snapshot?.pos ?? 0 }, snapshot };
    },
    async write(partition, indexed, checkpoint, through) {
      const pos = Math.min(through, readUpTo(indexed));
      if (pos <= 0 || pos < checkpoint.pos || !(indexed.changed || pos > checkpoint.pos + FAR)) return;
      indexed.changed = false;
      try {
        checkpoint.revision ??= (await bucket.get(keyOf(partition)))?.revision ?? 0;
        const bytes = writeIndexSnapshot(indexed, pos, MAX_BYTES);
        const revision = await bucket.put(keyOf(partition), bytes, { expect: checkpoint.revision });
        // Another router wrote: it has the partition now, or had it before. What either writes is true.
        checkpoint.revision = revision;
        if (revision === undefined) indexed.changed = true;
        else {
          checkpoint.pos = pos;
          stats.writes++;
          stats.bytes += bytes.length;
        }
      } catch (err) {
        checkpoint.revision = undefined;
        indexed.changed = true;
        stats.failed++;
        logger.debug({ partition, err }, 'a checkpoint of the position index could not be written');
      }
    },
    stats,
  };
}
