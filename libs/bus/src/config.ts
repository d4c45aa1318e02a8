/** How a process reaches NATS. All times in milliseconds. */
export interface BusConfig {
  /** One or several server addresses, `nats://host:port`, separated by commas. */
  url: string;
  /** Shown in NATS' connection list: the service's name. */
  name: string;
  /** Durable publishes that may be unanswered at once; more are refused as `bus.overloaded`. */
  maxOpenPublishes?: number;
  /** A durable publish without an answer for this long has failed with unknown outcome. */
  publishTimeoutMs?: number;
  /**
   * What becomes of streams and buckets at the start. `settle` (the default): what is missing is made, what is there is brought to the wanted
   * settings. `create`: only what is missing is made, for services that must not change a stream. `none`: for tools, which do not know the
   * site's settings.
   */
  provision?: 'settle' | 'create' | 'none';
  /** File with the seed of the nkey that this process shows to NATS. It is read at each connection. */
  nkeyFile?: string;
  /** File with the JWT and the seed of a user, as `nsc` writes it, for sites that run accounts. */
  credsFile?: string;
  user?: string;
  password?: string;
  /** PEM file of the authority that signed the certificate of NATS: the connections are TLS. */
  ca?: string;
  /** Copies of streams and buckets; 1 on a single server, 3 in a cluster. */
  replicas?: number;
  /** How long MESSAGES keeps a message (rule 1). */
  retentionMaxAgeMs?: number;
  /** Bytes that MESSAGES may take; -1: no limit of its own. */
  retentionMaxBytes?: number;
  /** What happens at the limit: the oldest go, or new ones are refused and stay unacknowledged. */
  retentionFull?: 'drop-oldest' | 'refuse';
}

export const BUS_DEFAULTS = {
  maxOpenPublishes: 16_384,
  publishTimeoutMs: 5_000,
  replicas: 1,
  retentionMaxAgeMs: 7 * 86_400_000,
  retentionMaxBytes: -1,
  retentionFull: 'drop-oldest',
} as const;

/** The little of a logger that libs need; pino's fits. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
