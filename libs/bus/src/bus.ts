import type { BucketName, ErrorCode, StreamName } from '@trivium/contracts';
import type { Msg } from '@nats-io/nats-core';
import type { Inspection } from './inspect.ts';
import type { RetainedRecord } from './retained-writer.ts';
import type { OnceMessage } from './store-once.ts';
import type { StoredMessages } from './stored-messages.ts';

/** A message as NATS handed it over. `subject` and `headers` are decoded on first access; `data` is a view into the socket chunk: copy what you keep. */
export type BusMessage = Msg;

/** A message of a stream read by position: a view, as with `BusMessage`. */
export type FetchedMessage = Pick<BusMessage, 'subject' | 'data'> & { headers?: BusMessage['headers'] };

/** Told once per `fetch`, in a later turn than the call. */
export interface FetchSink {
  /** Undefined: the stream has it no more. */
  fetched(token: number, message: FetchedMessage | undefined): void;
  /** Not known: `bus.unavailable` or `bus.timeout`, try again. */
  failed(token: number, code: ErrorCode): void;
}

/** Told once per durable publish, in a later turn than the call, in the order of the publishes when they succeed. */
export interface StoreSink {
  /** JetStream has stored the message at `pos` of its stream (`duplicate`: it already had this Nats-Msg-Id). */
  stored(token: number, pos: number, duplicate: boolean): void;
  /**
   * Not known to be stored. `bus.unavailable` and `bus.timeout` are retryable (the outcome is unknown: a repeat may store it
   * twice); `bus.refused` means JetStream said no, `bus.overloaded` that too many publishes are open.
   */
  failed(token: number, code: ErrorCode): void;
}

export interface Publisher {
  /** Core publish, fire and forget. False, and counted, when the bus is down or full: the message is gone. */
  live(subject: string, payload: Uint8Array, headers?: Uint8Array): boolean;
  /** JetStream publish. No allocation per message but NATS' own; `sink` is called exactly once with `token`. `payload` may be a view: it is copied before the call returns to the event loop. */
  durable(
    subject: string,
    payload: Uint8Array,
    headers: Uint8Array | undefined,
    sink: StoreSink,
    token: number,
  ): void;
  /** The same for callers that publish seldom. Rejects with a `TriviumError`. */
  store(
    subject: string,
    payload: Uint8Array,
    headers?: Uint8Array,
  ): Promise<{ pos: number; duplicate: boolean }>;
  /** Durable publishes without an answer yet. */
  readonly open: number;
  /** True while NATS takes bytes more slowly than they are published: doors stop reading from publishers meanwhile. */
  readonly pressed: boolean;
  /** Called on every change of `pressed`. Returns the unsubscriber. */
  onPressure(listener: (pressed: boolean) => void): () => void;
}

export interface LiveSubscription {
  readonly subject: string;
  close(): void;
}

export interface LiveFeed {
  /**
   * One core subscription per distinct subject, reference-counted: handlers of the same subject share it. Re-asserted by the client after
   * a reconnect. `queue`: of all processes that subscribe with it, one gets each message.
   */
  subscribe(subject: string, handler: (message: BusMessage) => void, queue?: string): LiveSubscription;
  /** Resolves when the server has seen every subscribe and unsubscribe made so far; calls of one turn share one round trip. */
  flush(): Promise<void>;
}

export interface FollowOptions {
  stream: StreamName;
  /** Deliver positions above this one. `'end'`: only what is stored from now on. */
  after: number | 'end';
  /** Called in log order, each position once, whatever happens to NATS in between. Synchronous. */
  onMessage(pos: number, message: BusMessage): void;
  /** Positions (from, first) were dropped by retention before they could be read. */
  onLost?(from: number, first: number): void;
  /**
   * The log now ends at `last`, below what was already read (NATS lost its newest second in a power cut, or the store was
   * replaced): positions above `last` will be given out again, so forget them.
   */
  onReset?(last: number): void;
  /** `'scan'` for readers of old positions, so that they cannot delay the live ones. Default `'feed'`. */
  lane?: 'feed' | 'scan';
  /** Server-side filter; only for streams small in subjects, or at the tail. Default: the whole stream. */
  filter?: string;
}

/** A reader of a stream: one ordered, flow-controlled, in-memory push consumer that is made anew after every gap, silence or reconnect. */
export interface Follower {
  /** Last position considered. */
  readonly pos: number;
  /** Resolves when the first consumer exists; rejects never (it retries until closed). */
  readonly ready: Promise<void>;
  /**
   * Resolves when everything that was stored before the call has been handed to `onMessage`. Calls of one turn share one request.
   * Rejects with a retryable `TriviumError` when NATS is away.
   */
  caughtUp(): Promise<void>;
  close(): void;
}

/**
 * What becomes of a message that a consumer handed over. `done`: it is not handed to anybody again. `again`: at once to somebody else.
 * `working`: not to anybody else yet.
 */
export type Settlement = 'done' | 'again' | 'working';

export interface SharedConsumer {
  readonly name: string;
  /** By NATS' clock, milliseconds since the epoch. */
  readonly createdMs: number;
}

export interface AskOptions {
  /** `settle` takes `handle` until the message is done. `message` may be kept until then: it holds on to the chunk it came in. */
  onMessage(pos: number, message: BusMessage, handle: string): void;
  /** A request ended with fewer messages than it asked for. `gone`: the consumer does not answer, it may be deleted. */
  onOver(gone: boolean): void;
}

export interface SharedReader {
  /** Messages asked for that have not come. */
  readonly asked: number;
  /** Asks for so many more. While NATS is away nothing happens; `onOver` tells when it is back. */
  ask(count: number): void;
  close(): void;
}

/** Consumers of `MESSAGES` that deal its messages out to many readers, each to one (rule 9). Promises reject with a `TriviumError`. */
export interface SharedLog {
  /** For what is stored above `after` under these subjects. One that is there is left as it is. */
  create(name: string, subjects: readonly string[], after: number): Promise<void>;
  /** Also when it is not there. */
  remove(name: string): Promise<void>;
  list(prefix: string): Promise<SharedConsumer[]>;
  read(name: string, options: AskOptions): SharedReader;
  /** While NATS is away `done` is kept until it is back; the others are lost, as is anything said too late. */
  settle(handle: string, how: Settlement): void;
}

export interface Entry {
  key: string;
  value: Uint8Array;
  /** Position of this write in the bucket: what a compare-and-set expects. */
  revision: number;
}

export interface PutOptions {
  /** Compare-and-set: the revision the key must have now; 0: the key must not exist (a delete marker counts as absent). */
  expect?: number;
  /** Seconds, whole, at least 1: the entry expires by itself. Only in buckets with `ttl`. */
  ttlSeconds?: number;
}

export interface Watch {
  close(): void;
}

/** A key-value bucket. Keys are NATS subjects: encode every foreign part with `encodeToken`. */
export interface Bucket {
  readonly name: BucketName;
  get(key: string): Promise<Entry | undefined>;
  /** Resolves to the new revision, or `undefined` when `expect` did not hold. Rejects with a retryable `TriviumError` when the outcome is unknown. */
  put(key: string, value: Uint8Array, options?: PutOptions): Promise<number | undefined>;
  /** False when `expect` did not hold. */
  delete(key: string, expect?: number): Promise<boolean>;
  /** Every entry now (a snapshot; `filter` as a NATS subject filter, default all). */
  entries(filter?: string): Promise<Entry[]>;
  /** All current entries, then every change; `value` undefined: deleted or expired. `onReady` once when the current ones are through (again never). Survives reconnects. */
  watch(
    filter: string,
    onEntry: (key: string, value: Uint8Array | undefined, revision: number) => void,
    onReady?: () => void,
  ): Watch;
}

/** The payload of an answer, or one with headers (a raw block). */
export type Answer = Uint8Array | { readonly payload: Uint8Array; readonly headers: Uint8Array | undefined };

export interface BusStats {
  livePublished: number;
  liveDropped: number;
  durablePublished: number;
  durableStored: number;
  durableFailed: number;
  liveReceived: number;
  durableReceived: number;
  reconnects: number;
  /** What NATS did not let this service do. */
  permissionViolations: number;
}

export interface Bus extends StoredMessages {
  /** Fresh per process start; names this process in leases, inboxes and consumers. Token-safe. */
  readonly incarnation: string;
  /** False from the moment a connection to NATS is lost until all are back. */
  readonly up: boolean;
  /** Called on every change of `up`. Returns the unsubscriber. */
  onState(listener: (up: boolean) => void): () => void;
  readonly publisher: Publisher;
  readonly live: LiveFeed;
  follow(options: FollowOptions): Follower;
  /** Last position stored in a stream now; calls of one turn share one request. */
  lastPos(stream: StreamName): Promise<number>;
  /** One message of a stream by position, undefined when it is gone. */
  read(stream: StreamName, pos: number): Promise<FetchedMessage | undefined>;
  /**
   * The same for many, on the connection of the scans: no promise, no timer; the caller bounds how many are open. Answers may come
   * in any order.
   */
  fetch(stream: StreamName, pos: number, sink: FetchSink, token: number): void;
  /**
   * Position of the first message of a stream (`MESSAGES` unless given) stored at `timeMs` (of NATS' clock) or later, and one above the
   * last when there is none. Times within a second share an answer: that for the earliest. Rejects with a retryable `TriviumError`.
   */
  firstPosAfter(timeMs: number, stream?: StreamName): Promise<number>;
  /** Takes one message out of a stream, also when it is gone. Rejects with a retryable `TriviumError`. */
  erase(stream: StreamName, pos: number): Promise<void>;
  /** How many messages a stream has under one subject. */
  count(stream: StreamName, subject: string): Promise<number>;
  bucket(name: BucketName): Bucket;
  /** Those that this NATS does not have. For who connects without provisioning: reading one that is not there waits until it is. Rejects with a retryable `TriviumError`. */
  missing(buckets: readonly BucketName[]): Promise<BucketName[]>;
  readonly shared: SharedLog;
  /**
   * Makes a message that is stored in `MESSAGES` at `pos` the retained one of its topic, unless a newer one is already (rule 5).
   * Resolves when `RETAINED` stands at `pos` or above. Rejects with a retryable `TriviumError`.
   */
  retain(record: RetainedRecord): Promise<void>;
  /**
   * Stores a message that may have been stored before, by this process or another one: it is in `MESSAGES` once. Resolves to its
   * position. Rejects with a retryable `TriviumError` when that is not known; call it again then.
   */
  storeOnce(message: OnceMessage): Promise<number>;
  /** Request/reply. Rejects with `TriviumError` `bus.timeout`, `bus.unavailable`, `bus.no-responders`, or `payload.too-large`. */
  request(
    subject: string,
    payload: Uint8Array,
    options: { timeoutMs: number; headers?: Uint8Array },
  ): Promise<BusMessage>;
  /** Answers requests; what the handler throws or rejects with becomes an error reply. Undefined: somebody else answers. */
  serve(
    subject: string,
    handler: (message: BusMessage) => Answer | Promise<Answer> | undefined,
  ): LiveSubscription;
  readonly stats: BusStats;
  /** Asks NATS how it is; some requests for each stream. Rejects with a retryable `TriviumError`. */
  inspect(): Promise<Inspection>;
  /** Stops the feeds, waits for open publishes, drains and closes the connections. */
  close(): Promise<void>;
}
