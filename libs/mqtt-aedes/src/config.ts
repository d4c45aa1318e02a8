/** What one client may use at this door: the members of `@trivium/mqtt`'s configuration that apply here. Bytes and milliseconds. */
export interface AedesConfig {
  /** Connections of the door; more are closed at once. */
  readonly maxConnections: number;
  /** A connection that has not sent CONNECT by then is closed. */
  readonly connectTimeoutMs: number;
  /** Largest packet accepted from a client, its header included. */
  readonly maxPacketBytes: number;
  readonly maxClientIdBytes: number;
  readonly maxTopicBytes: number;
  /** Of topics and filters; aedes itself takes no more than 100. */
  readonly maxTopicLevels: number;
  readonly maxSubscriptions: number;
  /** Messages of one client that wait to be stored; then its socket is not read. */
  readonly maxOpenPublishes: number;
  /** The same in bytes. */
  readonly maxOpenBytes: number;
  /** Messages sent to one client that wait for its acknowledgement. */
  readonly maxInflight: number;
  /** Bytes waiting for one client to read; then QoS 0 is dropped and QoS 1 waits in the log. */
  readonly maxOutputBytes: number;
}

/** What aedes' matcher can take. */
export const AEDES_MAX_TOPIC_LEVELS = 100;
