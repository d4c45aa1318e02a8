import type { ErrorCode, QoS, SessionSubscription, TopicFilter } from '@trivium/contracts';
import { errorCode, topicToTokens } from '@trivium/contracts';
import type { Attachment, Delivered, Handover, Receiver, Subscription } from '@trivium/delivery';
import type { HeldSession } from '@trivium/sessions';
import type { DoorParts } from './door-parts.ts';
import { ExactlyOnceOut } from './exactly-once-out.ts';
import { InHand } from './in-hand.ts';
import { isExpired } from './message-properties.ts';
import type { Outbox } from './outbox.ts';
import { PacketIdWindow } from './packet-id-window.ts';
import type { FrameOptions, PublishFrames } from './publish-frames.ts';
import { Redelivery } from './redelivery.ts';
import type { SessionClient } from './session.ts';
import {
  ownOptions,
  restoredSubscription,
  sharedMatch,
  Subscriptions,
  type Match,
  type RequestedSubscription,
} from './subscription.ts';
import { aliased, TopicAliases } from './topic-aliases.ts';
import type { Unacknowledged } from './unacknowledged.ts';

/** The subscriptions of one client, and messages on their way to it. */
export class Subscriber implements Receiver {
  /** Of the client. */
  readonly id: string;
  readonly inHand: InHand;
  readonly #parts: DoorParts;
  readonly #client: SessionClient;
  /** Of the client's version. */
  readonly #frames: PublishFrames;
  readonly #options = new Subscriptions();
  readonly #aliases: TopicAliases | undefined;
  readonly #outbox: Outbox;
  readonly #held: HeldSession;
  readonly #attachment: Attachment;
  readonly #window: PacketIdWindow;
  /** Since the first message at QoS 2, or as an earlier connection left it. */
  #exactlyOnce: ExactlyOnceOut | undefined;
  /** While what an earlier connection left has not been sent again. */
  #redelivery: Redelivery | undefined;
  /** Delivery was told that there is no room, and waits to hear that there is. */
  #full = false;

  constructor(parts: DoorParts, client: SessionClient, outbox: Outbox, held: HeldSession) {
    const { config, delivery, positions } = parts;
    this.id = client.id;
    this.#client = client;
    this.#frames = client.level === 5 ? parts.frames5 : parts.frames;
    const aliases = Math.min(client.topicAliasMaximum, config.topicAliasMaximum);
    this.#aliases = aliases > 0 ? new TopicAliases(aliases) : undefined;
    this.#parts = parts;
    this.#outbox = outbox;
    this.#held = held;
    this.#window = new PacketIdWindow(Math.min(config.maxInflight, client.receiveMaximum));
    this.inHand = new InHand(this.#window);
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

  get subscriptions(): ReadonlyMap<TopicFilter, Subscription> {
    return this.#attachment.subscriptions;
  }

  /** For the session's record. */
  get stored(): readonly SessionSubscription[] {
    return this.#options.stored(this.subscriptions.values());
  }

  /** Everything in the log up to here was considered, and what was sent of it is open or acknowledged. */
  get pos(): number {
    const { pos } = this.#attachment;
    return this.#exactlyOnce === undefined ? pos : Math.min(pos, this.#exactlyOnce.storedUpTo);
  }

  get window(): PacketIdWindow {
    return this.#window;
  }

  /** QoS 2 exchanges, for the session's record of them. */
  get exactlyOnce(): ExactlyOnceOut | undefined {
    return this.#exactlyOnce;
  }

  /** Whether a QoS 1 message with this packet id waits for its acknowledgement. */
  isOpen(packetId: number): boolean {
    return this.#window.has(packetId) || this.inHand.has(packetId);
  }

  /**
   * Brings back what an earlier connection left: sends again what was not acknowledged, with its packet ids and DUP [MQTT3-4.4.0-1],
   * then what has come since. Resolves to undefined when the subscriptions are active, else to why they are not.
   */
  async restore(): Promise<ErrorCode | undefined> {
    const { open } = this.#held.restored;
    const subscriptions = this.#held.restored.subscriptions.flatMap(restoredSubscription);
    this.#options.set(subscriptions);
    const { outgoing = [], begun = 0 } = this.#held.exactlyOnce?.restored ?? {};
    this.#window.restore(
      open,
      outgoing.map(({ packetId }) => packetId),
    );
    if (begun > 0 || outgoing.length > 0) this.#startExactlyOnce();
    this.#exactlyOnce?.releaseAgain();
    try {
      this.#redelivery = this.#startRedelivery();
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
    this.#options.set(subscriptions);
    try {
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
    const there = this.#attachment.unsubscribe(filters);
    this.#options.delete(filters);
    if (this.#held.clean || !there.includes(true)) return undefined;
    return this.#held.save().then(() => undefined, errorCode);
  }

  onLive(message: Delivered): void {
    const { stats, config, tracing } = this.#parts;
    if (this.#outbox.waiting > config.maxOutputBytes) {
      stats.droppedOut++;
      return;
    }
    if (this.#isOver(message)) return;
    if (this.#options.special || this.#aliases !== undefined) {
      const match = this.#options.match(message, this.id);
      if (match === undefined) return;
      this.#frames.single(message, 0, 0, this.#frameOptions(message, match));
    } else this.#frames.qos0(message);
    if (!this.#append()) return this.#aliases?.undo(message.topic);
    stats.deliveredQos0++;
    if (tracing.enabled) this.#trace(message, 0);
  }

  onDurable(message: Delivered, sub: Subscription): boolean {
    if (this.#isOver(message)) return true;
    if (this.#options.special || this.#aliases !== undefined) return this.#sendSpecial(message);
    const { stats, tracing } = this.#parts;
    const qos = message.qos < sub.qos ? message.qos : sub.qos;
    if (qos === 2) return this.#sendTwice(message, {}, {});
    if (!this.#hasRoom()) return false;
    if (qos === 0) this.#frames.qos0(message);
    else {
      const packetId = this.#window.take(message.pos);
      this.#frames.qos1(message, packetId);
      if (!this.#append()) this.#window.acknowledge(packetId);
      else stats.deliveredQos1++;
      if (tracing.enabled) this.#trace(message, 1);
      return true;
    }
    if (this.#append()) stats.deliveredQos0++;
    if (tracing.enabled) this.#trace(message, 0);
    return true;
  }

  onRetained(message: Delivered, sub: Subscription): boolean {
    if (this.#isOver(message) || this.#options.isOwn(sub.filter, message, this.id)) return true;
    const own = this.#options.special ? this.#options.idsOf(sub.filter) : undefined;
    const options = { retain: true, ...(own === undefined ? {} : { own }) };
    const qos = message.qos < sub.qos ? message.qos : sub.qos;
    const retained = qos === 0 ? undefined : topicToTokens(message.topic);
    return this.#sendSingle(message, qos, { retained }, options);
  }

  onShared(message: Delivered, sub: Subscription, handover: Handover | undefined): boolean {
    if (this.#isOver(message)) {
      handover?.done();
      return true;
    }
    const match = sharedMatch(sub as RequestedSubscription);
    const qos = message.qos < match.qos ? message.qos : match.qos;
    if (qos === 2) return this.#sendTwice(message, { shared: handover }, ownOptions(message, match));
    if (!this.#hasRoom()) return false;
    return this.#sendSingle(message, qos, { shared: handover }, this.#frameOptions(message, match));
  }

  onLost(): void {
    this.#parts.stats.gaps++;
  }

  onDropped(messages: number): void {
    this.#parts.stats.droppedQueued += messages;
  }

  /** PUBACK. False: no message at QoS 1 waits for it. */
  acknowledged(packetId: number): boolean {
    if (!this.#window.acknowledge(packetId) && !this.inHand.acknowledge(packetId)) return false;
    this.#redelivery?.settled(packetId);
    if (this.#full) this.resumeWhenRoomy();
    return true;
  }

  /** PUBREC. */
  received(packetId: number): void {
    (this.#exactlyOnce ?? this.#startExactlyOnce()).received(packetId);
  }

  /** PUBREC that says no. */
  rejected(packetId: number): void {
    this.#exactlyOnce?.abandon(packetId);
    this.#redelivery?.settled(packetId);
  }

  /** PUBCOMP. */
  completed(packetId: number): void {
    this.#exactlyOnce?.completed(packetId);
    this.#redelivery?.settled(packetId);
  }

  /** Takes messages again when half of the window and of the output are free. */
  resumeWhenRoomy(): void {
    if (!this.#full || this.#redelivery !== undefined) return;
    if (!this.#window.roomy || this.#exactlyOnce?.full === true) return;
    if (this.#outbox.waiting > this.#parts.config.maxOutputBytes >> 1) return;
    this.#full = false;
    this.#attachment.resume();
  }

  close(): void {
    this.#redelivery?.close();
    this.#attachment.detach({ stays: !this.#held.clean && this.#held.expirySeconds !== 0 });
  }

  #hasRoom(): boolean {
    const isFull = this.#window.full || this.#outbox.waiting > this.#parts.config.maxOutputBytes;
    if (!isFull && this.#redelivery === undefined) return true;
    this.#full = true;
    return false;
  }

  /** Whether the message has expired. Costs a look at its headers, if it has any. */
  #isOver(message: Delivered): boolean {
    const { properties } = message;
    if (properties === undefined || !isExpired(properties, this.#parts.now())) return false;
    this.#parts.stats.expired++;
    return true;
  }

  /** The frame that was made last goes out, unless it is larger than the client takes [MQTT-3.1.2-24], [MQTT-3.1.2-25] of MQTT 5. */
  #append(): boolean {
    const { buffer, start, end } = this.#frames;
    if (end - start > this.#client.maximumPacketBytes) {
      this.#parts.stats.tooLarge++;
      return false;
    }
    this.#outbox.append(buffer, start, end);
    return true;
  }

  /** For clients with options that count. */
  #sendSpecial(message: Delivered): boolean {
    const match = this.#options.match(message, this.id);
    if (match === undefined) return true;
    const qos = message.qos < match.qos ? message.qos : match.qos;
    if (qos === 2) return this.#sendTwice(message, {}, ownOptions(message, match));
    // Before a topic gets an alias that the client would not hear of.
    if (!this.#hasRoom()) return false;
    return this.#sendSingle(message, qos, {}, this.#frameOptions(message, match));
  }

  #sendSingle(message: Delivered, qos: QoS, way: Way, options: FrameOptions): boolean {
    if (qos === 2) return this.#sendTwice(message, way, options);
    if (!this.#hasRoom()) return false;
    const { stats, tracing } = this.#parts;
    const { retained, shared } = way;
    const packetId =
      qos === 0
        ? 0
        : shared === undefined
          ? this.#window.take(message.pos, retained)
          : this.inHand.take(shared);
    this.#frames.single(message, qos, packetId, options);
    if (!this.#append()) {
      this.#window.acknowledge(packetId);
      this.inHand.acknowledge(packetId);
      if (options.own?.topicAlias !== undefined) this.#aliases?.undo(message.topic);
    } else if (qos === 0) stats.deliveredQos0++;
    else stats.deliveredQos1++;
    if (qos === 0) shared?.done();
    if (tracing.enabled) this.#trace(message, qos);
    return true;
  }

  /** With a topic alias, for packets that leave in the order in which they are made. */
  #frameOptions(message: Delivered, match: Match): FrameOptions {
    return aliased(ownOptions(message, match), this.#aliases?.of(message.topic));
  }

  /** At QoS 2: PUBLISH, and later PUBREL. */
  #sendTwice(message: Delivered, { retained, shared }: Way, own: FrameOptions): boolean {
    const { stats, tracing } = this.#parts;
    const aliases = retained === undefined ? this.#aliases : undefined;
    const exactlyOnce = this.#exactlyOnce ?? this.#startExactlyOnce();
    if (retained === undefined && shared === undefined && exactlyOnce.wasBegun(message.pos)) return true;
    if (exactlyOnce.full) {
      this.#full = true;
      return false;
    }
    if (!this.#hasRoom()) return false;
    const frames = this.#frames;
    // Where the exchange is stored first its PUBLISH leaves later than others: it may use an alias, but not be the one to tell it.
    const isStored = this.#held.exactlyOnce !== undefined;
    const alias = isStored ? aliases?.known(message.topic) : aliases?.of(message.topic);
    const options = aliased(own, alias);
    frames.single(message, 2, 0, options);
    if (frames.end - frames.start > this.#client.maximumPacketBytes) {
      aliases?.undo(message.topic);
      stats.tooLarge++;
      shared?.done();
      return true;
    }
    exactlyOnce.begin({ pos: message.pos, retained, shared }, (packetId) => {
      frames.single(message, 2, packetId, options);
      return frames;
    });
    stats.deliveredQos2++;
    if (tracing.enabled) this.#trace(message, 2);
    return true;
  }

  #startExactlyOnce(): ExactlyOnceOut {
    return (this.#exactlyOnce = new ExactlyOnceOut({
      outbox: this.#outbox,
      window: this.#window,
      log: this.#held.exactlyOnce,
      limit: this.#parts.config.maxOpenExactlyOnce,
      level: this.#client.level,
      onRoom: () => this.resumeWhenRoomy(),
    }));
  }

  #startRedelivery(): Redelivery {
    const { bus, delivery, stats } = this.#parts;
    return new Redelivery({
      ...{ bus, delivery, stats, window: this.#window, exactlyOnce: this.#exactlyOnce },
      limit: this.#client.receiveMaximum,
      send: (message, one) => this.#sendAgain(message, one),
      onDone: () => {
        this.#redelivery = undefined;
        this.resumeWhenRoomy();
      },
    });
  }

  #sendAgain(message: Delivered, { packetId, qos, retained }: Unacknowledged): boolean {
    const match = this.#options.special ? this.#options.match(message, this.id) : undefined;
    const options = match === undefined ? {} : ownOptions(message, match);
    const retain = retained !== undefined || options.retain === true;
    this.#frames.single(message, qos, packetId, { ...options, dup: true, retain });
    return this.#append();
  }

  #trace(message: Delivered, qos: QoS): void {
    const { properties, topic } = message;
    if (properties?.traceparent === undefined) return;
    this.#parts.tracing.deliver(properties.traceparent, topic, qos, this.id, properties.tracestate)?.end();
  }
}

/** Beside the log in its turn: as a retained message, or by a shared subscription. */
interface Way {
  readonly retained?: string | undefined;
  readonly shared?: Handover | undefined;
}
