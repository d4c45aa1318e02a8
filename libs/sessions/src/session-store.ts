import { decodeJson, encodeJson, sessionKey, SessionRecord, type DueWill } from '@trivium/contracts';
import type { Bus } from '@trivium/bus';

/** A session record as it stands in the bucket. */
export interface StoredSession {
  /** Undefined: what is there cannot be read, and counts as nothing but for its revision. */
  readonly record: SessionRecord | undefined;
  readonly revision: number;
}

/** Session records, by compare-and-set. Everything rejects with a retryable `TriviumError` when the bus does not answer. */
export interface SessionStore {
  read(client: string): Promise<StoredSession | undefined>;
  /** The new revision; undefined when the record is not at `expect` (0: absent) any more. `ttlSeconds`: it then goes by itself. */
  write(
    client: string,
    record: SessionRecord,
    expect: number,
    ttlSeconds?: number,
  ): Promise<number | undefined>;
  /** False when the record is not at `expect` any more. */
  remove(client: string, expect: number): Promise<boolean>;
}

export function createSessionStore(bus: Bus): SessionStore {
  const bucket = bus.bucket('sessions');
  return {
    async read(client) {
      const entry = await bucket.get(sessionKey(client));
      if (entry === undefined) return undefined;
      const read = decodeJson(SessionRecord, entry.value);
      return { record: read.ok ? read.value : undefined, revision: entry.revision };
    },
    write: (client, record, expect, ttlSeconds) =>
      bucket.put(sessionKey(client), encodeJson(SessionRecord, record), {
        expect,
        ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
      }),
    remove: (client, expect) => bucket.delete(sessionKey(client), expect),
  };
}

/** A record stays this much longer when a will waits for the end of its session. */
export const WILL_SECONDS = 60;

/**
 * The wills to publish when a connection ended without DISCONNECT at `nowMs`: those that were due already, and its own, which may have
 * to wait, though not beyond the end of the session (MQTT 5, section 3.1.3.2.2).
 */
export function dueWills(record: SessionRecord, nowMs: number): DueWill[] {
  const { due = [], will, epoch, pos, clean, expirySeconds = Infinity } = record;
  if (will === undefined) return due;
  const delaySeconds = clean ? 0 : Math.min(will.delaySeconds ?? 0, expirySeconds);
  return [
    ...due,
    { epoch, will, after: pos, ...(delaySeconds > 0 ? { at: nowMs + delaySeconds * 1_000 } : {}) },
  ];
}
