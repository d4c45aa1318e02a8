import type { Bus } from '@trivium/bus';
import { decodeJson, encodeJson, ExactlyOnceRecord, sessionKey } from '@trivium/contracts';

/** The QoS 2 exchanges of a session as they stand in the bucket. */
export interface StoredExactlyOnce {
  readonly record: ExactlyOnceRecord;
  readonly revision: number;
}

/** Bucket `qos2`, by compare-and-set. */
export interface ExactlyOnceStore {
  read(client: string): Promise<StoredExactlyOnce | undefined>;
  /**
   * Makes the exchanges those of the session's owner in `epoch`: from then on no former owner can write them. What a former one wrote
   * last is in the answer.
   */
  fence(client: string, epoch: number): Promise<StoredExactlyOnce>;
  /** The new revision; undefined when somebody else has written. */
  write(client: string, record: ExactlyOnceRecord, expect: number): Promise<number | undefined>;
  /** False: not at `expect` any more. Without it: whatever is there. */
  remove(client: string, expect?: number): Promise<boolean>;
}

const NOTHING: ExactlyOnceRecord = { v: 1, epoch: 1, incoming: [], outgoing: [], begun: 0 };

export function createExactlyOnceStore(bus: Bus): ExactlyOnceStore {
  const bucket = bus.bucket('qos2');
  const write = (client: string, record: ExactlyOnceRecord, expect: number): Promise<number | undefined> =>
    bucket.put(sessionKey(client), encodeJson(ExactlyOnceRecord, record), { expect });
  const read = async (client: string): Promise<StoredExactlyOnce | undefined> => {
    const entry = await bucket.get(sessionKey(client));
    if (entry === undefined) return undefined;
    const decoded = decodeJson(ExactlyOnceRecord, entry.value);
    return { record: decoded.ok ? decoded.value : NOTHING, revision: entry.revision };
  };
  return {
    read,
    async fence(client, epoch) {
      for (;;) {
        const former = await read(client);
        const record = { ...(former?.record ?? NOTHING), epoch };
        const revision = await write(client, record, former?.revision ?? 0);
        if (revision !== undefined) return { record, revision };
      }
    },
    write,
    remove: (client, expect) => bucket.delete(sessionKey(client), expect),
  };
}
