import { TokenBucket } from './token-bucket.ts';

export interface KeyedRatesOptions {
  perSecond: number;
  /** A second's worth unless given. */
  burst?: number;
}

/** A token bucket for each of those who ask, who are not known beforehand. */
export interface KeyedRates {
  /** As `TokenBucket.take`. */
  take(key: string, n: number, nowMs: number): number;
  /** As `TokenBucket.spend`. */
  spend(key: string, n: number, nowMs: number): number;
  /** A turn of the caller's clock: forgets who has nothing to wait for. */
  tick(nowMs: number): void;
  readonly size: number;
}

/** Beyond it who came first is forgotten, and has a full bucket again. */
const MAX_KEYS = 100_000;

export function createKeyedRates({ perSecond, burst = perSecond }: KeyedRatesOptions): KeyedRates {
  const buckets = new Map<string, TokenBucket>();

  const bucketOf = (key: string, nowMs: number): TokenBucket => {
    const known = buckets.get(key);
    if (known !== undefined) return known;
    if (buckets.size >= MAX_KEYS) buckets.delete(buckets.keys().next().value!);
    const bucket = new TokenBucket(perSecond, nowMs, burst);
    buckets.set(key, bucket);
    return bucket;
  };

  return {
    take: (key, n, nowMs) => bucketOf(key, nowMs).take(n, nowMs),
    spend: (key, n, nowMs) => bucketOf(key, nowMs).spend(n, nowMs),
    tick(nowMs) {
      for (const [key, bucket] of buckets) if (bucket.isFull(nowMs)) buckets.delete(key);
    },
    get size() {
      return buckets.size;
    },
  };
}
