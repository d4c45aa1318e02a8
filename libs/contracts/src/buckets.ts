/** A key-value bucket as the bus provisions it. */
export interface BucketSettings {
  readonly storage: 'file';
  readonly history: 1;
  /** Entries may carry a TTL of their own (whole seconds); expiry then leaves a marker, which watchers see, for `markerTtlMs`. */
  readonly ttl: boolean;
  readonly markerTtlMs?: number;
}

export type BucketName =
  | 'sessions'
  | 'qos2'
  | 'positions'
  | 'shares'
  | 'commands'
  | 'devices'
  | 'policies'
  | 'contracts'
  | 'shadows'
  | 'leases';

const kept: BucketSettings = { storage: 'file', history: 1, ttl: false };
const expiring: BucketSettings = { storage: 'file', history: 1, ttl: true, markerTtlMs: 60_000 };

/** The buckets of the wire contract. */
export const BUCKETS: Readonly<Record<BucketName, BucketSettings>> = {
  /** Subscriptions, cursor, will and owner of each session; a record expires with its session. */
  sessions: expiring,
  /** Packet ids of QoS 2, apart from the session records, as short-lived as they are. */
  qos2: expiring,
  /** Checkpoints of the position index. */
  positions: kept,
  /** Who is in which shared subscription. */
  shares: kept,
  /** What became of commands, for a day, and the idempotency keys of those who asked. */
  commands: expiring,
  /** Registry entries and actor snapshots. */
  devices: kept,
  policies: kept,
  contracts: kept,
  shadows: kept,
  /** Doors and partition owners; whoever stops renewing is gone. */
  leases: expiring,
};
