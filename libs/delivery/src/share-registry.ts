import { randomBytes } from 'node:crypto';
import type { Bus, Logger } from '@trivium/bus';
import {
  decodeJson,
  encodeJson,
  logSubjects,
  shareKey,
  ShareRecord,
  TriviumError,
  type Share,
} from '@trivium/contracts';

/** Names of consumers that belong to shared subscriptions begin so. */
export const SHARE_CONSUMERS = 'share-';

/** A change to the members of one share: `tie` undefined takes the client out, if it is still in by `was`. */
interface Edit {
  readonly client: string;
  readonly tie: string | undefined;
  readonly was: string | undefined;
  /** Position from which a consumer goes on that is made for it; undefined: now. */
  readonly after: number | undefined;
  resolve(consumer: string | undefined): void;
  reject(cause: unknown): void;
}

/**
 * Who is in which shared subscription of the hub (bucket `shares`, by compare-and-set), and its consumer with it: the first member makes it,
 * the last one deletes it. Edits of one share made in one turn go out together. Rejects with a retryable `TriviumError`.
 */
export interface ShareRegistry {
  /**
   * Resolves to the share's consumer; to undefined when the client has left meanwhile. `tie`: see `ShareRecord.members`. `after`: where
   * the consumer goes on if there is none any more.
   */
  enter(share: Share, client: string, tie: string, after?: number): Promise<string | undefined>;
  /** Unless the client is in by another tie meanwhile. */
  leave(share: Share, client: string, tie: string): Promise<void>;
}

export function createShareRegistry(bus: Bus, logger: Logger): ShareRegistry {
  const bucket = bus.bucket('shares');
  /** By key: what waits for the write that is under way. */
  const queues = new Map<string, Edit[]>();

  const edit = (share: Share, change: Omit<Edit, 'resolve' | 'reject'>): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const key = shareKey(share);
      const one: Edit = { ...change, resolve, reject };
      const waiting = queues.get(key);
      if (waiting !== undefined) return void waiting.push(one);
      queues.set(key, [one]);
      void work(key, share);
    });

  const work = async (key: string, share: Share): Promise<void> => {
    for (;;) {
      await Promise.resolve(); // what the rest of the turn wants goes along
      const edits = queues.get(key)!;
      if (edits.length === 0) return void queues.delete(key);
      queues.set(key, []);
      try {
        const consumer = await write(key, share, edits);
        for (const { resolve } of edits) resolve(consumer);
      } catch (cause) {
        for (const { reject } of edits) reject(cause);
      }
    }
  };

  /** Until the record is as the edits want it, whoever else writes it. */
  const write = async (key: string, share: Share, edits: readonly Edit[]): Promise<string | undefined> => {
    for (;;) {
      const entry = await bucket.get(key);
      const read = entry && decodeJson(ShareRecord, entry.value);
      if (read?.ok === false) throw new TriviumError('bus.refused', `the record of ${key} cannot be read`);
      const there = read?.value;
      const revision = entry?.revision ?? 0;
      const members = withEdits(there?.members ?? {}, edits);
      if (Object.keys(members).length === 0) {
        if (there === undefined) return undefined;
        if (!(await bucket.delete(key, revision))) continue;
        await removeConsumer(there.consumer);
        return undefined;
      }
      const after = Math.min(...edits.map((one) => one.after ?? Infinity));
      if (there !== undefined) {
        // Somebody has lost the consumer.
        if (after < Infinity) await bus.shared.create(there.consumer, logSubjects(share.filter), after);
        if (sameMembers(there.members, members)) return there.consumer;
        if (
          (await bucket.put(key, encodeJson(ShareRecord, { ...there, members }), { expect: revision })) !==
          undefined
        )
          return there.consumer;
        continue;
      }
      const consumer = SHARE_CONSUMERS + randomBytes(12).toString('hex');
      const begin = after < Infinity ? after : await bus.lastPos('MESSAGES');
      await bus.shared.create(consumer, logSubjects(share.filter), begin);
      const { group, filter } = share;
      const record: ShareRecord = { v: 1, group, filter, consumer, members };
      if ((await bucket.put(key, encodeJson(ShareRecord, record), { expect: revision })) !== undefined)
        return consumer;
      await removeConsumer(consumer);
    }
  };

  /** One that stays behind is found by a router. */
  const removeConsumer = (name: string): Promise<void> =>
    bus.shared
      .remove(name)
      .catch((err: unknown) => logger.debug({ consumer: name, err }, 'could not be deleted'));

  return {
    enter: (share, client, tie, after) => edit(share, { client, tie, was: undefined, after }),
    async leave(share, client, was) {
      await edit(share, { client, tie: undefined, was, after: undefined });
    },
  };
}

function withEdits(
  members: Readonly<Record<string, string>>,
  edits: readonly Edit[],
): Record<string, string> {
  const edited = new Map(Object.entries(members));
  for (const { client, tie, was } of edits)
    if (tie !== undefined) edited.set(client, tie);
    else if (edited.get(client) === was) edited.delete(client);
  return Object.fromEntries(edited);
}

function sameMembers(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
