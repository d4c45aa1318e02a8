import type { Bucket } from '@trivium/bus';
import type { Clock } from './clock.ts';
import { equalBytes } from './equal-bytes.ts';

export interface LeaseOptions {
  bucket: Bucket;
  key: string;
  /** Must name this process (its incarnation): it is how a lease is recognised as one's own after a lost answer. */
  value: Uint8Array;
  /** Whole seconds. Without a renewal the entry is gone after this, and whoever watches takes over. */
  ttlMs: number;
  /** Work stops this long before the entry can have expired. */
  marginMs: number;
  clock: Clock;
}

/** `unknown`: the bus did not answer; the lease goes on until its deadline, try again. */
export type Renewal = 'renewed' | 'unknown' | 'lost';

/** An entry in a bucket with a time to live that one process at a time can hold. */
export interface Lease {
  readonly key: string;
  /** Of the last write known to have succeeded. */
  readonly revision: number;
  /** By the local monotonic clock: counted from before the last successful write was sent, so always on the safe side. */
  readonly held: boolean;
  /** Milliseconds for which `held` stays true without a renewal; 0 when it is not. */
  readonly leftMs: number;
  /** Compare-and-set with a new time to live. After `lost`, and after the deadline, the lease never comes back: acquire a new one. */
  renew(): Promise<Renewal>;
  /** Asks the bucket: false when somebody else holds the key, or nobody. Rejects when the bus does not answer. */
  confirm(): Promise<boolean>;
  /** Not held from this call on; the entry is deleted, so that the next owner need not wait. Never rejects: what cannot be deleted expires. */
  release(): Promise<void>;
}

/**
 * Takes the lease when nobody holds it. Undefined: somebody does. Rejects with a retryable error when that is not known; a lease taken
 * by an unanswered write is found again by the next attempt, or expires.
 */
export async function acquireLease(options: LeaseOptions): Promise<Lease | undefined> {
  const { bucket, key, value, clock } = options;
  const ttlSeconds = Math.ceil(options.ttlMs / 1_000);
  const lifeMs = options.ttlMs - options.marginMs;
  let revision = 0;
  let deadline = -Infinity;
  let over = false;
  let busy: Promise<unknown> = Promise.resolve();

  const write = async (): Promise<boolean> => {
    const sentAt = clock.monotonicMs();
    const written = await bucket.put(key, value, { expect: revision, ttlSeconds });
    if (written === undefined) return false;
    revision = written;
    deadline = sentAt + lifeMs;
    return true;
  };
  /** Takes up the revision of an entry that is ours: of an earlier write whose answer was lost. */
  const recognise = async (): Promise<boolean> => {
    const entry = await bucket.get(key);
    if (entry === undefined || !equalBytes(entry.value, value)) return false;
    revision = entry.revision;
    return true;
  };
  const held = (): boolean => !over && clock.monotonicMs() < deadline;
  const alone = <T>(task: () => Promise<T>): Promise<T> => {
    const turn = busy.then(task, task);
    busy = turn.catch(() => undefined);
    return turn;
  };

  const release = (): Promise<void> => {
    over = true;
    return alone(async () => {
      try {
        if (!(await bucket.delete(key, revision)) && (await recognise())) await bucket.delete(key, revision);
      } catch {
        // It expires.
      }
    });
  };

  /** Writes first and asks afterwards: while the bus is away a write fails at once. */
  const writeOurs = async (): Promise<boolean> => (await write()) || ((await recognise()) && (await write()));

  if (!(await writeOurs())) return undefined;
  if (!held()) {
    await release();
    return undefined;
  }

  return {
    key,
    get revision() {
      return revision;
    },
    get held() {
      return held();
    },
    get leftMs() {
      return held() ? deadline - clock.monotonicMs() : 0;
    },
    renew: () =>
      alone(async () => {
        if (!held()) return 'lost';
        const until = deadline;
        try {
          if ((await writeOurs()) && clock.monotonicMs() < until) return 'renewed';
        } catch {
          return 'unknown';
        }
        over = true; // somebody else holds it, or the answer came after work had to stop
        return 'lost';
      }),
    confirm: () => alone(async () => held() && (await recognise())),
    release,
  };
}
