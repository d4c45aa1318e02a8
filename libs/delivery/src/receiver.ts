import type { QoS, Share, TopicFilter } from '@trivium/contracts';
import type { Delivered } from './delivered.ts';
import type { Handover } from './handover.ts';

/** What a client asked for with one filter. */
export interface Subscription {
  readonly filter: TopicFilter;
  /** Granted QoS. 0: live messages only, of any QoS, by core NATS; 1 or 2: durable messages by the log, QoS 0 ones by core. */
  readonly qos: QoS;
  /** Asks for the retained messages that match now. Not kept: it counts in the call of `subscribe` that it is in. */
  readonly sendRetained?: boolean;
  /**
   * Log position at which it began: it brings nothing stored at or below it (rule 2). Given for a filter of a restored session;
   * without it the filter begins now, or at `after`. `attachment.subscriptions` has it for every filter granted 1 or 2.
   */
  readonly from?: number;
  /** A shared subscription: one member of the group gets each message. `filter` is then the whole of it, as the client writes it. */
  readonly share?: Share;
}

/** What the position index knows of a session: in (from, through] exactly `positions` match its filters. */
export interface KnownPositions {
  readonly from: number;
  readonly through: number;
  /** Ascending. */
  readonly positions: readonly number[];
  /** The session's limits were passed: what lies at or below `pos` is dropped, so many messages that matched. */
  readonly dropped?: { readonly pos: number; readonly messages: number; readonly bytes: number };
}

/** What may wait for one client; the oldest goes when there is more. */
export interface QueueLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

export interface AttachOptions {
  /** What its first `subscribe` takes for its own `after`: the cursor of a restored session. */
  readonly after?: number;
  /**
   * Asked once, when the first `subscribe` finds the client far behind: which messages of (after, upTo] match? The answer spares a
   * scan of the log; none, a rejection or one that does not begin at `after` or below costs nothing but the scan.
   */
  readonly ask?: (after: number, upTo: number) => Promise<KnownPositions | undefined>;
  readonly limits?: QueueLimits;
  /** What its memberships in shared subscriptions end with: see `ShareRecord.members`. Empty, as by default: its session. */
  readonly tie?: string;
}

/** A message to read again by its position. */
export interface WantedMessage {
  readonly pos: number;
  /** Subject tokens of its topic when it was sent as a retained message: the log may not have it any more. */
  readonly retained?: string;
}

/**
 * One client of a door, as delivery sees it. Both calls are made synchronously while a batch from NATS is worked through:
 * queue bytes, do not wait, do not keep `message` or its views beyond the call.
 * A message reaches a receiver once, by one path, however many of its filters match (rule 6); `sub` is the matching one with the highest QoS.
 */
export interface Receiver {
  readonly id: string;
  /** A message without a position: send it if there is room, else drop and count it. */
  onLive(message: Delivered, sub: Subscription): void;
  /**
   * A message from the log, in order. False: no room (socket or window full). The receiver has then left the feed,
   * `message` will be offered again after `attachment.resume()`, and nothing is buffered for it meanwhile.
   */
  onDurable(message: Delivered, sub: Subscription): boolean;
  /**
   * A retained message for a subscription that asked for them; `message.qos` is that of its publish. False: no room, as with
   * `onDurable`; it is offered again after `attachment.resume()`. Receivers without this call get none.
   */
  onRetained?(message: Delivered, sub: Subscription): boolean;
  /**
   * A message of a shared subscription. False: no room, it goes to another member, or waits for `attachment.resume()`. With a `handover`
   * it is this receiver's from now on, until it says `done`; without one it is a live message, to be sent at once. Receivers without
   * this call have no shared subscriptions.
   */
  onShared?(message: Delivered, sub: Subscription, handover: Handover | undefined): boolean;
  /** Positions (from, first) fell to retention before this receiver read them. */
  onLost?(from: number, first: number): void;
  /** Its queue passed its limits: so many of the oldest messages that waited for it are dropped. */
  onDropped?(messages: number, bytes: number): void;
}

/** A receiver's place in delivery. */
export interface Attachment {
  /** Last log position considered (matched or not); resume from here. */
  readonly pos: number;
  /** True while it rides the live feed; false while it catches up or waits for `resume()`. */
  readonly live: boolean;
  /**
   * Adds or replaces filters. When it resolves they are active: what is published afterwards, anywhere, is delivered; what was
   * stored before is not, unless `after` (or the one given at attach) names an older log position to go on from: what lies above
   * it and matches these filters comes first, in order. One call at a time per attachment.
   * Rejects with a retryable `TriviumError` when the bus is away; nothing has changed then.
   */
  subscribe(subs: readonly Subscription[], options?: { after?: number }): Promise<void>;
  /** Gone when it returns. True for each filter that was there. */
  unsubscribe(filters: readonly TopicFilter[]): boolean[];
  /** Walked when they are asked for: there may be very many. */
  readonly subscriptions: Iterable<Subscription>;
  /** Some filter was granted 1 or 2, shared ones aside. */
  readonly durable: boolean;
  /** There is room again after `onDurable` said false. */
  resume(): void;
  /**
   * Idempotent; frees everything. What it has of shared subscriptions goes to other members; `stays`: its session does, and remains a
   * member of them.
   */
  detach(options?: { stays?: boolean }): void;
}

export interface Delivery {
  attach(receiver: Receiver, options?: AttachOptions): Attachment;
  /**
   * Reads messages by position, to send again what was sent and not acknowledged: `visit` is called in the order given, with
   * undefined when the message is gone. One that was sent as a retained message is also looked for in `RETAINED`, where it counts
   * while it is still the retained one. Rejects with a retryable `TriviumError` when the bus is away.
   */
  read(
    wanted: readonly WantedMessage[],
    visit: (pos: number, message: Delivered | undefined) => void,
  ): Promise<void>;
  readonly stats: {
    receivers: number;
    filters: number;
    retained: number;
    /** Receivers that do not ride the live feed. */
    catchingUp: number;
    lostToRetention: number;
    /** Shared subscriptions with members here. */
    shares: number;
    /** QoS 0 messages that no member of a shared subscription had room for. */
    droppedShared: number;
    /** Messages that queue limits took from receivers. */
    dropped: number;
    /** Sessions that had missed more than their maximum age allows. */
    expired: number;
  };
  close(): void;
}
