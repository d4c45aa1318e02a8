import { matches, type Topic, type TopicFilter } from '@trivium/contracts';
import { Backlog } from './backlog.ts';
import type { Member } from './member.ts';
import type { DeliveredMessage } from './message.ts';
import type { AttachOptions, QueueLimits, Receiver } from './receiver.ts';
import { precedes, type Topics } from './topics.ts';
import type { Wish } from './wish.ts';

/** Where a client's durable messages come from now. It is bound to one source at a time. */
export type Source =
  /** It has no filter granted above 0. */
  | 'none'
  /** The position index was asked what it has missed. */
  | 'asking'
  /** Its backlog alone, up to where that ends. */
  | 'list'
  /** A scan of the log from its position, or about to be. */
  | 'scan'
  /** The door's feed, as they are stored. */
  | 'feed';

/** So many filters are compared with a topic one by one; among more, those of all clients that match are looked through. */
const FEW = 100;

/**
 * The state of one receiver. While it has a backlog, nothing is handed to it as it comes: its source adds positions, and it is
 * given those in its own pace, until there are none and it is level with its source again.
 */
export class Client {
  readonly receiver: Receiver;
  readonly limits: QueueLimits | undefined;
  /** The position index, until it was asked. */
  ask: AttachOptions['ask'];
  readonly wishes = new Map<TopicFilter, Wish>();
  /** Its shared subscriptions, by the filter as the client writes it. */
  readonly shares = new Map<TopicFilter, Member>();
  readonly tie: string;
  source: Source = 'none';
  /** Last position considered; a lower bound while it rides a source, whose own position then counts. */
  pos = 0;
  /** Of what matches above `pos`. */
  backlog: Backlog | undefined;
  /** It has no room, and says by `resume()` that it has. */
  waiting = false;
  /** How many positions a backlog keeps that begins now. */
  keeps = Backlog.CAPACITY;
  /** Grows with each time that it leaves its source: an answer for an earlier one does not count. */
  binding = 0;
  detached = false;
  /** Counts what the feed has for it since it fell behind, for its limits. The backlog itself, as long as that has it all. */
  #tally: Backlog | undefined;
  readonly #topics: Topics;
  readonly #losses: { dropped: number };
  #wildcards = 0;
  #durable = 0;

  constructor(
    receiver: Receiver,
    { ask, limits, tie = '' }: AttachOptions,
    topics: Topics,
    losses: { dropped: number },
  ) {
    this.receiver = receiver;
    this.ask = ask;
    this.tie = tie;
    this.limits = limits;
    this.#topics = topics;
    this.#losses = losses;
  }

  /** Whether a topic can match two of its filters: literal filters alone never overlap. */
  get overlapping(): boolean {
    return this.#wildcards > 0 && this.wishes.size > 1;
  }

  get durable(): boolean {
    return this.#durable > 0;
  }

  /** It is handed messages as they are stored. */
  get live(): boolean {
    return this.source === 'feed' && this.backlog === undefined;
  }

  /** What the feed has for it counts although another source brings it. */
  get counting(): boolean {
    return this.#tally !== undefined;
  }

  add(wish: Wish): void {
    this.wishes.set(wish.sub.filter, wish);
    this.#count(wish, 1);
  }

  remove(wish: Wish): void {
    this.wishes.delete(wish.sub.filter);
    this.#count(wish, -1);
  }

  /** A message from the source it is bound to. Without room, or behind others, its position goes into the backlog. */
  take(pos: number, message: DeliveredMessage, wish: Wish): void {
    if (pos <= this.pos || wish.sub.qos === 0) return;
    let by: Wish | undefined = wish;
    if (pos <= wish.from && (by = this.#older(pos, message.topic)) === undefined) return;
    if (this.backlog === undefined) {
      const { binding } = this;
      if (this.receiver.onDurable(message, by.sub)) {
        this.pos = pos;
        return;
      }
      if (this.binding !== binding) return;
      this.pos = pos - 1;
      this.waiting = true;
      this.queue(new Backlog(this.pos, this.keeps));
    }
    this.#append(pos, message.payload.length);
  }

  /** The same on the way to the feed, where what it is handed may have been counted before. */
  takeBehind(pos: number, message: DeliveredMessage, wish: Wish): void {
    this.take(pos, message, wish);
    if (this.#tally !== undefined && this.backlog === undefined && this.pos === pos)
      this.#tally.advance(pos, message.payload.length);
  }

  /** A message of its backlog. False: no room. */
  give(pos: number, message: DeliveredMessage, wish: Wish): boolean {
    const by = pos <= wish.from ? this.#older(pos, message.topic) : wish;
    if (by !== undefined && by.sub.qos > 0) {
      const { binding } = this;
      if (!this.receiver.onDurable(message, by.sub)) {
        if (this.binding === binding) this.waiting = true;
        return false;
      }
    }
    this.done(pos, message.payload.length);
    return true;
  }

  /** All at or below `pos` is done. `bytes`: of the message there, when it is the next one that waited. */
  done(pos: number, bytes?: number): void {
    this.pos = Math.max(this.pos, pos);
    this.backlog?.advance(pos, bytes);
    if (this.#tally !== this.backlog) this.#tally?.advance(pos, bytes);
  }

  /** From now on it has a backlog: of its source, which may be the feed. */
  queue(backlog: Backlog): void {
    this.backlog = backlog;
    if (this.source === 'feed' && this.limits !== undefined) this.#tally ??= backlog;
  }

  /** Its backlog is worked off. */
  unqueue(): void {
    this.backlog = undefined;
    if (this.source === 'feed') this.#tally = undefined;
  }

  /** Counts a message of the feed that another source will bring. */
  count(pos: number, message: DeliveredMessage, wish: Wish): void {
    if (pos <= this.pos || pos <= wish.from || wish.sub.qos === 0) return;
    this.#tally!.append(pos, message.payload.length);
    this.#limit();
  }

  /** So many of the oldest messages that wait, at or below `pos`, are not delivered. */
  drop({ pos, messages, bytes }: { pos: number; messages: number; bytes: number }): void {
    this.done(pos);
    this.#losses.dropped += messages;
    this.receiver.onDropped?.(messages, bytes);
  }

  /** It has left its source, at `pos`. */
  unbind(pos: number): void {
    this.pos = pos;
    this.source = 'none';
    this.backlog = undefined;
    this.#tally = undefined;
    this.waiting = false;
    this.binding++;
  }

  /** The log ends at `last` now. */
  cut(last: number): void {
    this.pos = Math.min(this.pos, last);
    this.backlog?.cut(last);
    if (this.#tally !== this.backlog) this.#tally?.cut(last);
    for (const wish of this.wishes.values()) {
      wish.from = Math.min(wish.from, last);
      wish.start = Math.min(wish.start, last);
    }
  }

  #append(pos: number, bytes: number): void {
    const ofFeed = this.source === 'feed';
    if (!this.backlog!.append(pos, bytes)) this.source = 'list';
    if (!ofFeed || this.#tally === undefined) return;
    if (this.#tally !== this.backlog) this.#tally.append(pos, bytes);
    this.#limit();
  }

  #limit(): void {
    const { messages, bytes } = this.#tally!;
    const limits = this.limits!;
    if (messages <= limits.maxMessages && bytes <= limits.maxBytes) return;
    const dropped = this.#tally!.trim(limits);
    if (dropped !== undefined) this.drop(dropped);
  }

  /** Of its filters that began below `pos`, the one by which it gets the message. */
  #older(pos: number, topic: Topic): Wish | undefined {
    if (!this.overlapping) return undefined;
    let best: Wish | undefined;
    const look = (wish: Wish): void => {
      if (pos > wish.from && (best === undefined || precedes(wish, best))) best = wish;
    };
    if (this.wishes.size > FEW) this.#topics.find(topic, (wish) => wish.client === this && look(wish));
    else for (const wish of this.wishes.values()) if (matches(wish.sub.filter, topic)) look(wish);
    return best !== undefined && best.sub.qos > 0 ? best : undefined;
  }

  #count(wish: Wish, by: 1 | -1): void {
    const { filter, qos } = wish.sub;
    if (filter.includes('+') || filter.endsWith('#')) this.#wildcards += by;
    if (qos > 0) this.#durable += by;
  }
}
