import { createHash } from 'node:crypto';
import { PositionQueue } from './position-queue.ts';
import type { LogFilter } from './session-view.ts';
import type { KnownSleep } from './sleep-index.ts';
import type { IndexedPartition } from './sleeper.ts';
import { VarintReader, VarintWriter } from './varints.ts';

/** A partition of the position index as it is kept in bucket `positions`. */
export interface IndexSnapshot {
  /** It is true of the log up to here. */
  readonly pos: number;
  /** What is known of a session with these filters, if it is in the snapshot with the same ones. At most once. */
  take(client: string, filters: readonly LogFilter[]): KnownSleep | undefined;
}

const VERSION = 1;
const HASH_BYTES = 8;
const utf8 = new TextEncoder();
const text = new TextDecoder();

/**
 * The partition's sleeping sessions as of `pos`, in at most `maxBytes`; sessions that do not fit are left out: for them the log is scanned.
 */
export function writeIndexSnapshot(
  { sleepers }: IndexedPartition,
  pos: number,
  maxBytes: number,
): Uint8Array {
  const out = new VarintWriter(4_096);
  out.number(VERSION);
  out.number(pos);
  for (const { client, filters, from, queue, awakeMs } of sleepers.values()) {
    if (awakeMs !== undefined || from > pos) continue;
    const one = new VarintWriter(256);
    one.block(utf8.encode(client));
    one.bytes(hashOf(filters));
    one.number(from);
    queue.write(one, pos);
    if (out.length + one.length + 8 > maxBytes) continue;
    out.block(one.view());
  }
  return out.view();
}

/** Undefined when it cannot be read: a later version's, or none. */
export function readIndexSnapshot(bytes: Uint8Array, keep?: number): IndexSnapshot | undefined {
  return orUndefined(() => {
    const reader = new VarintReader(bytes);
    if (reader.number() !== VERSION) return undefined;
    const pos = reader.number();
    const sessions = new Map<string, Uint8Array>();
    while (!reader.done) {
      const block = reader.block();
      sessions.set(text.decode(new VarintReader(block).block()), block);
    }
    return {
      pos,
      take(client, filters) {
        const block = sessions.get(client);
        if (block === undefined) return undefined;
        sessions.delete(client);
        return orUndefined(() => {
          const one = new VarintReader(block);
          one.block();
          if (Buffer.compare(one.bytes(HASH_BYTES), hashOf(filters)) !== 0) return undefined;
          return { from: one.number(), queue: PositionQueue.read(one, keep) };
        });
      },
    };
  });
}

function orUndefined<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The positions are a function of the log and the filters: with other filters they are worth nothing. */
function hashOf(filters: readonly LogFilter[]): Uint8Array {
  const hash = createHash('sha256').update(JSON.stringify(filters.map(({ filter, from }) => [filter, from])));
  return hash.digest().subarray(0, HASH_BYTES);
}
