import type { Bus, BusMessage, LiveSubscription, SharedReader } from '@trivium/bus';
import { isDollar, liveSubjects, type Share } from '@trivium/contracts';
import { Handover } from './handover.ts';
import { AT_ONCE, type Member } from './member.ts';
import { DeliveredMessage, topicTokens, wireQos } from './message.ts';
import type { Topics } from './topics.ts';

/** A message for which no member had room yet. */
interface Held {
  readonly pos: number;
  readonly message: BusMessage;
  readonly handle: string;
}

export interface SharedFeedOptions {
  bus: Bus;
  topics: Topics;
  share: Share;
  /** See `ShareRecord.consumer`. */
  consumer: string;
  /** The consumer does not answer. */
  onGone(): void;
  /** A QoS 0 message that no member had room for. */
  onDropped(): void;
}

/**
 * One shared subscription at this door (rule 9): messages of the log are asked for as its members have room and handed out in turn, one
 * member each; QoS 0 ones come by a queue group of the doors.
 */
export class SharedFeed {
  readonly consumer: string;
  /** Position of the newest message that was handed to this door. */
  pos = 0;
  /** Clients that are about to become members. */
  joining = 0;
  readonly #options: SharedFeedOptions;
  readonly #members: Member[] = [];
  readonly #delivered = new DeliveredMessage();
  readonly #live: LiveSubscription[];
  readonly #reader: SharedReader;
  readonly #wild: boolean;
  #held: Held[] = [];
  /** Messages in the hands of members. */
  #open = 0;
  #next = 0;
  #handingOut = false;

  constructor(options: SharedFeedOptions) {
    const { bus, share, consumer, onGone } = options;
    this.consumer = consumer;
    this.#options = options;
    this.#wild = share.filter.startsWith('+') || share.filter.startsWith('#');
    this.#live = liveSubjects(share.filter, 'qos0').map((subject) =>
      bus.live.subscribe(subject, (message) => this.#onLive(message), consumer),
    );
    this.#reader = bus.shared.read(consumer, {
      onMessage: (pos, message, handle) => this.#onMessage(pos, message, handle),
      onOver: (gone) => (gone ? onGone() : this.#ask()),
    });
  }

  get unused(): boolean {
    return this.#members.length + this.joining === 0;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  add(member: Member): void {
    member.feed = this;
    this.#members.push(member);
    this.resume();
  }

  remove(member: Member): void {
    const at = this.#members.indexOf(member);
    if (at < 0) return;
    this.#members.splice(at, 1);
    this.#open -= member.open.size;
    member.feed = undefined;
  }

  /** A member is done with a message. */
  freed(): void {
    this.#open--;
    this.resume();
  }

  /** Some member has room again. */
  resume(): void {
    if (this.#handingOut) return; // a member was done with what it was just handed
    this.#handingOut = true;
    for (let one = this.#held[0]; one !== undefined; one = this.#held[0]) {
      if (!this.#hand(one.pos, one.message, one.handle)) break;
      this.#held.shift();
    }
    this.#handingOut = false;
    this.#ask();
  }

  /** Tells the consumer that what is here is not lost. */
  keep(): void {
    for (const member of this.#members) member.keep();
    for (const { handle } of this.#held) this.#options.bus.shared.settle(handle, 'working');
  }

  close(): void {
    for (const subscription of this.#live) subscription.close();
    this.#reader.close();
    for (const { handle } of this.#held) this.#options.bus.shared.settle(handle, 'again');
    this.#held = [];
  }

  #onLive(message: BusMessage): void {
    const delivered = this.#fill(message, 0);
    if (delivered === undefined) return;
    for (let tries = this.#members.length; tries > 0; tries--) {
      const { receiver, sub } = this.#inTurn();
      if (receiver.onShared!(delivered, sub, undefined)) return;
    }
    this.#options.onDropped();
  }

  #onMessage(pos: number, message: BusMessage, handle: string): void {
    this.pos = Math.max(this.pos, pos);
    // Behind others that wait, so that each member gets what it gets in order.
    if (this.#held.length > 0 || !this.#hand(pos, message, handle)) this.#held.push({ pos, message, handle });
    else this.#ask();
  }

  /** False: no member has room. */
  #hand(pos: number, message: BusMessage, handle: string): boolean {
    const delivered = this.#fill(message, pos);
    if (delivered === undefined) {
      this.#options.bus.shared.settle(handle, 'done');
      return true;
    }
    for (let tries = this.#members.length; tries > 0; tries--) {
      const member = this.#inTurn();
      if (member.open.size >= AT_ONCE) continue;
      const handover = new Handover(handle, member);
      this.#open++;
      if (member.receiver.onShared!(delivered, member.sub, handover)) return true;
      this.#open--;
      handover.undo();
    }
    return false;
  }

  /** Asks for as many as the members have room for, in few requests. */
  #ask(): void {
    if (this.#held.length > 0) return;
    const room = this.#members.length * AT_ONCE - this.#open;
    const { asked } = this.#reader;
    const more = room - asked;
    if (more > 0 && (asked === 0 || more >= room >> 1)) this.#reader.ask(more);
  }

  #inTurn(): Member {
    this.#next = (this.#next + 1) % this.#members.length;
    return this.#members[this.#next]!;
  }

  /** Undefined: not for this filter, though NATS' wildcards match it [MQTT-4.7.2-1]. */
  #fill(message: BusMessage, pos: number): DeliveredMessage | undefined {
    const { subject } = message;
    const entry = this.#options.topics.entry(topicTokens(subject));
    if (entry === undefined || (this.#wild && isDollar(entry.topic))) return undefined;
    return this.#delivered.fill(message, entry, wireQos(subject), pos);
  }
}
