import type { Clock } from '@trivium/actors';
import type { Bus, Logger } from '@trivium/bus';
import {
  decodeClient,
  decodePos,
  decodeProperties,
  decodeQos,
  parseMessageSubject,
  partitionOf,
  retainedSubject,
  type HeaderGet,
} from '@trivium/contracts';

export interface RetainedRepairOptions {
  bus: Bus;
  clock: Clock;
  logger: Logger;
  /** The partition is this router's. */
  holds(partition: number): boolean;
  /** Where the log ended a few seconds ago. */
  agedEnd(): number;
  /** How far the log is read. */
  readUpTo(partition: number): number;
  /** Too many topics wait to be looked at (`true`), or few enough again: the log is not read on meanwhile. */
  onFull(full: boolean): void;
}

/**
 * A retained publish is stored in the log first and then in `RETAINED` (rule 5); a door may die between the two. The router that holds the
 * partition of the topic sees to it, a few seconds later, that `RETAINED` stands at that position or above.
 */
export interface RetainedRepair {
  /** A retained publish in the log, on a topic whose partition is ours. */
  consider(pos: number, tokens: string): void;
  /** Positions at or above this one are not looked after yet; Infinity: none. */
  readonly oldest: number;
  readonly stats: { readonly checked: number; readonly repaired: number; readonly failed: number };
  close(): void;
}

const TICK_MS = 1_000;
const MAX_PENDING = 100_000;
const AT_ONCE = 64;

/** The partition whose router looks after a topic. */
export function topicPartition(tokens: string): number {
  return partitionOf(tokens);
}

export function createRetainedRepair(options: RetainedRepairOptions): RetainedRepair {
  const { bus, clock, logger } = options;
  /** The newest retained publish of each topic. */
  const pending = new Map<string, number>();
  /** Of these, those that `RETAINED` is known to lack. */
  const lacking = new Set<string>();
  const stats = { checked: 0, repaired: 0, failed: 0 };
  let full = false;
  let closed = false;

  const retainedPos = async (tokens: string): Promise<number> => {
    const found = await bus.readLast('RETAINED', retainedSubject(tokens));
    return decodePos((name) => found?.headers?.get(name)) ?? 0;
  };

  const done = (tokens: string, pos: number): void => {
    if (pending.get(tokens) !== pos) return; // a newer one came meanwhile
    pending.delete(tokens);
    lacking.delete(tokens);
    if (full && pending.size < MAX_PENDING / 2) options.onFull((full = false));
  };

  const repair = async (tokens: string, pos: number): Promise<void> => {
    const message = await bus.read('MESSAGES', pos);
    const subject = message && parseMessageSubject(message.subject);
    if (message === undefined || subject === undefined) return; // gone by retention
    const { headers } = message;
    const get: HeaderGet = (name) => headers?.get(name) || undefined;
    const properties = decodeProperties(get, (name) => headers?.values(name) ?? []);
    if (properties?.expiresAt !== undefined && properties.expiresAt <= clock.wallMs()) return;
    await bus.retain({
      tokens,
      payload: new Uint8Array(message.data),
      qos: decodeQos(subject.qos, get),
      client: decodeClient(subject.clientToken, get),
      properties,
      pos,
    });
    stats.repaired++;
    logger.info({ topic: tokens, pos }, 'a retained message that its door did not live to write');
  };

  const look = async (tokens: string, pos: number): Promise<void> => {
    const partition = topicPartition(tokens);
    if (!options.holds(partition)) return done(tokens, pos);
    if (!lacking.has(tokens)) {
      stats.checked++;
      if ((await retainedPos(tokens)) >= pos) return done(tokens, pos);
      lacking.add(tokens);
    }
    // While the log is read from far back, a newer message may clear the topic: an older one must not come back for that while.
    if (options.readUpTo(partition) < options.agedEnd() && !full) return;
    if ((await retainedPos(tokens)) < pos) await repair(tokens, pos);
    done(tokens, pos);
  };

  const lookAtAll = async (): Promise<void> => {
    if (!bus.up || pending.size === 0) return;
    const end = options.agedEnd();
    const due = [...pending].filter(([, pos]) => pos <= end);
    const next = async (): Promise<void> => {
      for (let one = due.pop(); one !== undefined && !closed; one = due.pop()) {
        try {
          await look(...one);
        } catch (err) {
          stats.failed++;
          logger.debug({ topic: one[0], err }, 'a retained message could not be looked after, trying again');
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, due.length) }, next));
  };

  const tick = (): void => {
    void lookAtAll().then(() => {
      if (!closed) cancel = clock.after(TICK_MS, tick);
    });
  };
  let cancel = clock.after(TICK_MS, tick);

  return {
    consider(pos, tokens) {
      if ((pending.get(tokens) ?? 0) >= pos) return;
      pending.set(tokens, pos);
      lacking.delete(tokens);
      if (!full && pending.size >= MAX_PENDING) options.onFull((full = true));
    },
    get oldest() {
      let oldest = Infinity;
      for (const pos of pending.values()) oldest = Math.min(oldest, pos);
      return oldest;
    },
    stats,
    close() {
      closed = true;
      cancel();
    },
  };
}
