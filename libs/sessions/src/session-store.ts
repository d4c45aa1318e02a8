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

/** The wills to publish when a connection ended without DISCONNECT: those that were due already, and its own. */
export function dueWills(record: SessionRecord): DueWill[] {
  const { due = [], will, epoch, pos } = record;
  return will === undefined ? due : [...due, { epoch, will, after: pos }];
}
