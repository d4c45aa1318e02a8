import type { ErrorCode, SessionSubscription, TopicFilter } from '@trivium/contracts';
import { errorCode, topicToTokens } from '@trivium/contracts';
import type { Attachment, Delivered, Handover, Receiver, Subscription } from '@trivium/delivery';
import type { HeldSession } from '@trivium/sessions';
import type { DoorParts } from './door-parts.ts';
import type { ExactlyOnceOut } from './exactly-once-out.ts';
import type { InHand } from './in-hand.ts';
import { isExpired } from './message-properties.ts';
import type { Outbox } from './outbox.ts';
import { OutgoingPublishes } from './outgoing-publishes.ts';
import type { PacketIdWindow } from './packet-id-window.ts';
import { isStillAllowed, ReceiveGuard } from './receive-guard.ts';
import { Redelivery } from './redelivery.ts';
import type { Rights } from './rights.ts';
import type { SessionClient } from './session.ts';
import {
  ownOptions,
  restoredSubscription,
  sharedMatch,
  Subscriptions,
  type RequestedSubscription,
} from './subscription.ts';

/** The connection that the messages go to. */
export interface SubscriberHost extends Rights {
  readonly client: SessionClient;
  readonly outbox: Outbox;
}

/** The subscriptions of one client, and which messages they bring it. */
export class Subscriber implements Receiver {
  /** Of the client. */
  readonly id: string;
  readonly #parts: DoorParts;
  readonly #host: SubscriberHost;
  readonly #options: Subscriptions;
  readonly #guard: ReceiveGuard;
  readonly #held: HeldSession;
  readonly #attachment: Attachment;
  readonly #out: OutgoingPublishes;
  /** While what an earlier connection left has not been sent again. */
  #redelivery: Redelivery | undefined;

  constructor(parts: DoorParts, host: SubscriberHost, held: HeldSession) {
    const { config, delivery, positions } = parts;
    const { client } = host;
    this.id = client.id;
    this.#parts = parts;
    this.#host = host;
    this.#held = held;
    this.#options = new Subscriptions(client.level === 5);
    this.#guard = new ReceiveGuard(host);
    this.#out = new OutgoingPublishes(parts, client, host.outbox, held, () => this.resumeWhenRoomy());
    const tie = held.clean ? held.restored.connection! : '';
    const limits = {
      maxMessages: config.maxQueuedMessages,
      maxBytes: config.maxQueuedBytes,
      maxAgeMs: config.maxQueuedAgeMs,
    };
    // Without filters there is nothing to go on with: a filter that comes later begins then.
    const { pos: after, subscriptions } = held.restored;
    const ask = (from: number, upTo: number) => positions(client.id, from, upTo);
    this.#attachment = delivery.attach(this, {
      limits,
      tie,
      ...(subscriptions.length > 0 && { after, ask }),
    });
  }

  get subscriptions(): Pick<Subscriptions, 'size' | 'has'> {
    return this.#options;
  }

  get storedBytes(): number {
    return this.#options.bytes;
  }

  /** For the session's record. */
  get stored(): SessionSubscription[] {
    return this.#options.stored(this.#attachment.subscriptions);
  }

  /** Everything in the log up to here was considered, and what was sent of it is open or acknowledged. */
  get pos(): number {
    const { pos } = this.#attachment;
    const { exactlyOnce } = this.#out;
    return exactlyOnce === undefined ? pos : Math.min(pos, exactlyOnce.storedUpTo);
  }

  get window(): PacketIdWindow {
    return this.#out.window;
  }

  get inHand(): InHand {
    return this.#out.inHand;
  }

  /** QoS 2 exchanges, for the session's record of them. */
  get exactlyOnce(): ExactlyOnceOut | undefined {
    return this.#out.exactlyOnce;
  }

  /** Whether a QoS 1 message with this packet id waits for its acknowledgement. */
  isOpen(packetId: number): boolean {
    return this.window.has(packetId) || this.inHand.has(packetId);
  }

  /**
   * Brings back what an earlier connection left, but for filters that the client may not have any more: those go from the record first. Sends
   * again what was not acknowledged, with its packet ids and DUP [MQTT3-4.4.0-1], then what has come since. Resolves to undefined when the
   * subscriptions are active, else to why they are not.
   */
  async restore(): Promise<ErrorCode | undefined> {
    const { open } = this.#held.restored;
    const { outgoing = [], begun = 0 } = this.#held.exactlyOnce?.restored ?? {};
    this.#out.window.restore(
      open,
      outgoing.map(({ packetId }) => packetId),
    );
    try {
      const subscriptions = await this.#takeUp();
      if (begun > 0 || outgoing.length > 0) this.#out.exchanges.releaseAgain();
      this.#redelivery = this.#startRedelivery();
      this.#out.waits = true;
      await this.#redelivery.begin();
      if (subscriptions.length > 0) await this.#attachment.subscribe(subscriptions);
      return undefined;
    } catch (error) {
      return errorCode(error);
    }
  }

  /** Resolves to undefined when they are active, and stored if the session is persistent, else to why they are not. */
  async subscribe(subscriptions: readonly RequestedSubscription[]): Promise<ErrorCode | undefined> {
    this.#parts.stats.subscribes += subscriptions.length;
    try {
      await this.#parts.turns.each(subscriptions, (subscription) => this.#take(subscription));
      await this.#attachment.subscribe(subscriptions);
      if (!this.#held.clean) await this.#held.save();
      return undefined;
    } catch (error) {
      return errorCode(error);
    }
  }

  /** The same for filters that go. */
  async unsubscribe(filters: readonly TopicFilter[]): Promise<ErrorCode | undefined> {
    this.#parts.stats.unsubscribes += filters.length;
    let changed = false;
    await this.#parts.turns.each(filters, (filter) => {
      if (this.#attachment.unsubscribe([filter])[0] === true) changed = true;
      this.#options.delete(filter);
      this.#guard.delete(filter);
    });
    if (this.#held.clean || !changed) return undefined;
    return this.#held.save().then(() => undefined, errorCode);
  }

  /** What the client may do has changed. False: it has a filter that it may not have any more. Until that is known each message is asked for. */
  judgeAgain(): Promise<boolean> {
    return this.#guard.judgeAgain(this.#options.all(), this.#parts.turns);
  }

  onLive(message: Delivered): void {
    if (this.#out.clogged) {
      this.#parts.stats.droppedOut++;
      return;
    }
    if (this.#isKept(message)) return;
    if (!this.#options.special && !this.#out.aliasing) return this.#out.live(message, undefined);
    const match = this.#options.match(message, this.id);
    if (match !== undefined) this.#out.live(message, match);
  }

  onDurable(message: Delivered, sub: Subscription): boolean {
    if (this.#isKept(message)) return true;
    if (this.#options.special || this.#out.aliasing) return this.#sendSpecial(message);
    return this.#out.common(message, message.qos < sub.qos ? message.qos : sub.qos);
  }

  onRetained(message: Delivered, sub: Subscription): boolean {
    if (this.#isKept(message) || this.#options.isOwn(sub.filter, message, this.id)) return true;
    const own = this.#options.special ? this.#options.idsOf(sub.filter) : undefined;
    const options = { retain: true, ...(own === undefined ? {} : { own }) };
    const qos = message.qos < sub.qos ? message.qos : sub.qos;
    const retained = qos === 0 ? undefined : topicToTokens(message.topic);
    return this.#out.single(message, qos, { retained }, options);
  }

  /** A shared subscription is granted wholly or not at all: only its age keeps a message from the client. */
  onShared(message: Delivered, sub: Subscription, handover: Handover | undefined): boolean {
    if (this.#isOver(message)) {
      handover?.done();
      return true;
    }
    const match = sharedMatch(sub as RequestedSubscription);
    const qos = message.qos < match.qos ? message.qos : match.qos;
    if (qos === 2) return this.#out.twice(message, { shared: handover }, ownOptions(message, match));
    if (!this.#out.hasRoom()) return false;
    return this.#out.single(message, qos, { shared: handover }, this.#out.frameOptions(message, match));
  }

  onLost(): void {
    this.#parts.stats.gaps++;
  }

  onDropped(messages: number): void {
    this.#parts.stats.droppedQueued += messages;
  }

  /** PUBACK. False: no message at QoS 1 waits for it. */
  acknowledged(packetId: number): boolean {
    if (!this.window.acknowledge(packetId) && !this.inHand.acknowledge(packetId)) return false;
    this.#redelivery?.settled(packetId);
    if (this.#out.full) this.resumeWhenRoomy();
    return true;
  }

  /** PUBREC. */
  received(packetId: number): void {
    this.#out.exchanges.received(packetId);
  }

  /** PUBREC that says no. */
  rejected(packetId: number): void {
    this.exactlyOnce?.abandon(packetId);
    this.#redelivery?.settled(packetId);
  }

  /** PUBCOMP. */
  completed(packetId: number): void {
    this.exactlyOnce?.completed(packetId);
    this.#redelivery?.settled(packetId);
  }

  /** Takes messages again when half of the window and of the output are free. */
  resumeWhenRoomy(): void {
    if (!this.#out.full || this.#redelivery !== undefined || !this.#out.roomy) return;
    this.#out.full = false;
    this.#attachment.resume();
  }

  close(): void {
    this.#redelivery?.close();
    this.#attachment.detach({ stays: !this.#held.clean && this.#held.expirySeconds !== 0 });
  }

  /** Whether the message does not go to the client: it has expired, or is none of its business. */
  #isKept(message: Delivered): boolean {
    if (this.#guard.active && !this.#mayReceive(message)) return true;
    return this.#isOver(message);
  }

  #mayReceive({ topic }: Delivered): boolean {
    if (this.#guard.allows(topic)) return true;
    this.#parts.stats.deniedOut++;
    return false;
  }

  /** Whether the message has expired. Costs a look at its headers, if it has any. */
  #isOver(message: Delivered): boolean {
    const { properties } = message;
    if (properties === undefined || !isExpired(properties, this.#parts.now())) return false;
    this.#parts.stats.expired++;
    return true;
  }

  /** For clients with options that count. */
  #sendSpecial(message: Delivered): boolean {
    const match = this.#options.match(message, this.id);
    if (match === undefined) return true;
    const qos = message.qos < match.qos ? message.qos : match.qos;
    if (qos === 2) return this.#out.twice(message, {}, ownOptions(message, match));
    // Before a topic gets an alias that the client would not hear of.
    if (!this.#out.hasRoom()) return false;
    return this.#out.single(message, qos, {}, this.#out.frameOptions(message, match));
  }

  #take(subscription: RequestedSubscription): void {
    this.#options.set(subscription);
    this.#guard.set(subscription);
  }

  /** The filters of the session that the client may still have; the others go from the record. */
  async #takeUp(): Promise<RequestedSubscription[]> {
    const { subscriptions } = this.#held.restored;
    const allowed: SessionSubscription[] = [];
    const taken: RequestedSubscription[] = [];
    await this.#parts.turns.each(subscriptions, (stored) => {
      if (!isStillAllowed(this.#host.access, stored)) return;
      allowed.push(stored);
      const subscription = restoredSubscription(stored);
      if (subscription === undefined) return;
      taken.push(subscription);
      this.#take(subscription);
    });
    if (allowed.length < subscriptions.length) await this.#forget(allowed);
    return taken;
  }

  /** Writes the session with these filters alone. */
  async #forget(allowed: readonly SessionSubscription[]): Promise<void> {
    const { pos, open } = this.#held.restored;
    this.#held.state = () => ({ pos, open, subscriptions: [...allowed] });
    await this.#held.save();
  }

  #startRedelivery(): Redelivery {
    const { bus, delivery, stats } = this.#parts;
    return new Redelivery({
      ...{ bus, delivery, stats, window: this.window, exactlyOnce: this.exactlyOnce },
      limit: this.#host.client.receiveMaximum,
      mayReceive: (message) => this.#host.access.unrestricted || this.#mayReceive(message),
      send: (message, one) => {
        const match = this.#options.special ? this.#options.match(message, this.id) : undefined;
        return this.#out.again(message, one, match);
      },
      onDone: () => {
        this.#redelivery = undefined;
        this.#out.waits = false;
        this.resumeWhenRoomy();
      },
    });
  }
}
