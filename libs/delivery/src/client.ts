import type { TopicFilter } from '@trivium/contracts';
import type { DeliveredMessage } from './message.ts';
import type { Receiver } from './receiver.ts';
import type { Wish } from './wish.ts';

/** Where a client's durable messages come from now. It is bound to one source at a time. */
export type Source =
  /** It has no filter granted above 0. */
  | 'none'
  /** The door's feed, as they are stored. */
  | 'feed'
  /** A scan of the log from its position. */
  | 'scan'
  /** Nothing: it has no room, and says so by `resume()`. */
  | 'waiting';

/** The state of one receiver. */
export class Client {
  readonly receiver: Receiver;
  readonly wishes = new Map<TopicFilter, Wish>();
  source: Source = 'none';
  /** Last position considered; a lower bound while it rides a source, whose own position then counts. */
  pos = 0;
  detached = false;
  #wildcards = 0;
  #durable = 0;

  constructor(receiver: Receiver) {
    this.receiver = receiver;
  }

  /** Whether a topic can match two of its filters: literal filters alone never overlap. */
  get overlapping(): boolean {
    return this.#wildcards > 0 && this.wishes.size > 1;
  }

  get durable(): boolean {
    return this.#durable > 0;
  }

  add(wish: Wish): void {
    this.wishes.set(wish.sub.filter, wish);
    this.#count(wish, 1);
  }

  remove(wish: Wish): void {
    this.wishes.delete(wish.sub.filter);
    this.#count(wish, -1);
  }

  /** A message from the source it is bound to. It leaves the source when there is no room: nothing is buffered for it. */
  take(pos: number, message: DeliveredMessage, wish: Wish): void {
    if (pos <= this.pos || pos <= wish.from || wish.sub.qos === 0) return;
    if (this.receiver.onDurable(message, wish.sub)) {
      this.pos = pos;
      return;
    }
    this.pos = pos - 1;
    this.source = 'waiting';
  }

  #count(wish: Wish, by: 1 | -1): void {
    const { filter, qos } = wish.sub;
    if (filter.includes('+') || filter.endsWith('#')) this.#wildcards += by;
    if (qos > 0) this.#durable += by;
  }
}
