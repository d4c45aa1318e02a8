import type { Bucket, Logger } from '@trivium/bus';
import type { Result } from '@trivium/contracts';
import type { IdentityStats } from '../stats.ts';

/** A stored record that cannot be read. */
export class Unusable {
  readonly value: Uint8Array;
  constructor(value: Uint8Array) {
    this.value = value;
  }
}

/** Records of one kind in a bucket, as they are now; while NATS is away, as they were. */
export interface WatchedRecords<T> {
  /** Resolves when all that are stored are known. */
  readonly ready: Promise<void>;
  /** Grows with every change. */
  readonly version: number;
  get(key: string): T | Unusable | undefined;
  values(): Iterable<T | Unusable>;
  close(): void;
}

export interface WatchedRecordsOptions<T> {
  bucket: Pick<Bucket, 'watch'>;
  /** Which keys, as a NATS subject filter. */
  filter: string;
  read(key: string, value: Uint8Array): Result<T>;
  logger: Logger;
  stats: Pick<IdentityStats, 'unusable'>;
}

export function watchRecords<T>({
  bucket,
  filter,
  read,
  logger,
  stats,
}: WatchedRecordsOptions<T>): WatchedRecords<T> {
  const records = new Map<string, T | Unusable>();
  let version = 0;
  let settle = (): void => undefined;
  const ready = new Promise<void>((resolve) => (settle = resolve));

  const learn = (key: string, value: Uint8Array | undefined): void => {
    if (records.get(key) instanceof Unusable) stats.unusable--;
    version++;
    if (value === undefined) {
      records.delete(key);
      return;
    }
    const record = read(key, value);
    if (record.ok) records.set(key, record.value);
    else {
      stats.unusable++;
      records.set(key, new Unusable(value));
      logger.error({ key, reason: record.error.message }, 'a stored record of identity cannot be read');
    }
  };

  const watch = bucket.watch(filter, learn, () => settle());
  return {
    ready,
    get version() {
      return version;
    },
    get: (key) => records.get(key),
    values: () => records.values(),
    close: () => watch.close(),
  };
}
