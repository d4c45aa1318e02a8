import type { ErrorCode, QoS, SessionSubscription, TopicFilter } from '@trivium/contracts';
import { errorCode, parseFilter, topicToTokens } from '@trivium/contracts';
import type { Attachment, Delivered, Receiver, Subscription } from '@trivium/delivery';
import type { HeldSession } from '@trivium/sessions';
import type { DoorParts } from './door-parts.ts';
import { ExactlyOnceOut } from './exactly-once-out.ts';
import type { Outbox } from './outbox.ts';
import { PacketIdWindow } from './packet-id-window.ts';
import type { PublishFrames } from './publish-frames.ts';

/** The subscriptions of one client, and messages on their way to it. */
export class Subscriber implements Receiver {
  /** Of the client. */
  readonly id: string;
  readonly #parts: DoorParts;
  readonly #outbox: Outbox;
  readonly #held: HeldSession;
  readonly #attachment: Attachment;
  readonly #window: PacketIdWindow;
  /** Since the first message at QoS 2, or as an earlier connection left it. */
  #exactlyOnce: ExactlyOnceOut | undefined;
  /** Delivery was told that there is no room, and waits to hear that there is. */
  #full = false;

  constructor(parts: DoorParts, client: string, outbox: Outbox, held: HeldSession) {
    const { config, delivery, positions } = parts;
    this.id = client;
    this.#parts = parts;
    this.#outbox = outbox;
    this.#held = held;
    this.#window = new PacketIdWindow(config.maxInflight);
    const limits = {
      maxMessages: config.maxQueuedMessages,
      maxBytes: config.maxQueuedBytes,
      maxAgeMs: config.maxQueuedAgeMs,
    };
    // Without filters there is nothing to go on with: a filter that comes later begins then.
    this.#attachment =
      held.restored.subscriptions.length > 0
        ? delivery.attach(this, {
            limits,
            after: held.restored.pos,
            ask: (after, upTo) => positions(client, after, upTo),
          })
        : delivery.attach(this, { limits });
  }

  get subscriptions(): ReadonlyMap<TopicFilter, Subscription> {
    return this.#attachment.subscriptions;
  }

  /** For the session's record. */
  get stored(): readonly SessionSubscription[] {
    return [...this.subscriptions.values()].map(({ filter, qos, from = 0 }) => ({ filter, qos, from }));
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
    return this.#window.has(packetId);
  }

  /**
   * Brings back what an earlier connection left: sends again what was not acknowledged, with its packet ids and DUP [MQTT-4.4.0-1],
   * then what has come since. Resolves to undefined when the subscriptions are active, else to why they are not.
   */
  async restore(): Promise<ErrorCode | undefined> {
    const { open } = this.#held.restored;
    const subscriptions = this.#held.restored.subscriptions.flatMap(asSubscription);
    const { outgoing = [], begun = 0 } = this.#held.exactlyOnce?.restored ?? {};
    this.#window.restore(
      open,
      outgoing.map(({ packetId }) => packetId),
    );
    if (begun > 0 || outgoing.length > 0) this.#startExactlyOnce();
    this.#exactlyOnce?.releaseAgain();
    try {
      await this.#sendAgain();
      if (subscriptions.length > 0) await this.#attachment.subscribe(subscriptions);
      return undefined;
    } catch (error) {
      return errorCode(error);
    }
  }

  /** Resolves to undefined when they are active, and stored if the session is persistent, else to why they are not. */
  async subscribe(subscriptions: readonly Subscription[]): Promise<ErrorCode | undefined> {
    this.#parts.stats.subscribes += subscriptions.length;
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
    if (this.#held.clean || !there.includes(true)) return undefined;
    return this.#held.save().then(() => undefined, errorCode);
  }

  onLive(message: Delivered): void {
    const { stats, config, frames, tracing } = this.#parts;
    const outbox = this.#outbox;
    if (outbox.waiting > config.maxOutputBytes) {
      stats.droppedOut++;
      return;
    }
    frames.qos0(message);
    outbox.append(frames.buffer, frames.start, frames.end);
    stats.deliveredQos0++;
    if (tracing.enabled) this.#trace(message, 0);
  }

  onDurable(message: Delivered, sub: Subscription): boolean {
    const { stats, frames, tracing } = this.#parts;
    const qos = message.qos < sub.qos ? message.qos : sub.qos;
    if (qos === 2) return this.#sendTwice(message, undefined);
    if (!this.#hasRoom()) return false;
    if (qos === 0) {
      frames.qos0(message);
      stats.deliveredQos0++;
    } else {
      frames.qos1(message, this.#window.take(message.pos));
      stats.deliveredQos1++;
    }
    this.#outbox.append(frames.buffer, frames.start, frames.end);
    if (tracing.enabled) this.#trace(message, qos);
    return true;
  }

  onRetained(message: Delivered, sub: Subscription): boolean {
    const { stats, frames } = this.#parts;
    const qos = message.qos < sub.qos ? message.qos : sub.qos;
    const tokens = qos === 0 ? '' : topicToTokens(message.topic);
    if (qos === 2) return this.#sendTwice(message, tokens);
    if (!this.#hasRoom()) return false;
    frames.single(message, qos, qos === 0 ? 0 : this.#window.take(message.pos, tokens), RETAINED);
    if (qos === 0) stats.deliveredQos0++;
    else stats.deliveredQos1++;
    this.#outbox.append(frames.buffer, frames.start, frames.end);
    return true;
  }

  onLost(): void {
    this.#parts.stats.gaps++;
  }

  onDropped(messages: number): void {
    this.#parts.stats.droppedQueued += messages;
  }

  /** PUBACK. One for a message that does not wait is ignored. */
  acknowledged(packetId: number): void {
    if (this.#window.acknowledge(packetId) && this.#full) this.resumeWhenRoomy();
  }

  /** PUBREC. */
  received(packetId: number): void {
    (this.#exactlyOnce ?? this.#startExactlyOnce()).received(packetId);
  }

  /** PUBCOMP. */
  completed(packetId: number): void {
    this.#exactlyOnce?.completed(packetId);
  }

  /** Takes messages again when half of the window and of the output are free. */
  resumeWhenRoomy(): void {
    if (!this.#full || !this.#window.roomy || this.#exactlyOnce?.full === true) return;
    if (this.#outbox.waiting > this.#parts.config.maxOutputBytes >> 1) return;
    this.#full = false;
    this.#attachment.resume();
  }

  close(): void {
    this.#attachment.detach();
  }

  #hasRoom(): boolean {
    if (this.#outbox.waiting <= this.#parts.config.maxOutputBytes && !this.#window.full) return true;
    this.#full = true;
    return false;
  }

  /** At QoS 2: PUBLISH, and later PUBREL. */
  #sendTwice(message: Delivered, retained: string | undefined): boolean {
    const { stats, frames, tracing } = this.#parts;
    const exactlyOnce = this.#exactlyOnce ?? this.#startExactlyOnce();
    if (retained === undefined && exactlyOnce.wasBegun(message.pos)) return true;
    if (exactlyOnce.full) {
      this.#full = true;
      return false;
    }
    if (!this.#hasRoom()) return false;
    exactlyOnce.begin(message.pos, retained, (packetId) => {
      frames.single(message, 2, packetId, retained === undefined ? undefined : RETAINED);
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
      onRoom: () => this.resumeWhenRoomy(),
    }));
  }

  /** What was sent and not acknowledged, in the order in which it was sent. */
  async #sendAgain(): Promise<void> {
    const { delivery, stats, frames } = this.#parts;
    const outgoing = this.#exactlyOnce?.list().filter(({ released }) => !released) ?? [];
    const due: Due[] = [
      ...this.#window.list().map(({ id, ...rest }) => ({ ...rest, packetId: id, qos: 1 as const })),
      ...outgoing.map(({ packetId, pos, retained }) => ({
        ...{ packetId, pos, qos: 2 as const },
        ...(retained === undefined ? {} : { retained }),
      })),
    ];
    if (due.length === 0) return;
    let next = 0;
    await delivery.read(due, (_pos, message) => {
      const { packetId, qos, retained } = due[next++]!;
      const isWaiting = qos === 1 ? this.#window.has(packetId) : this.#exactlyOnce!.isSent(packetId);
      if (!isWaiting) return;
      if (message === undefined) return this.#giveUp(packetId, qos);
      stats.redelivered++;
      frames.single(message, qos, packetId, { dup: true, retain: retained !== undefined });
      this.#outbox.append(frames.buffer, frames.start, frames.end);
    });
  }

  /** A message that is gone from the log: the client will not hear of it. */
  #giveUp(packetId: number, qos: 1 | 2): void {
    this.#parts.stats.gaps++;
    if (qos === 1) this.#window.acknowledge(packetId);
    else this.#exactlyOnce!.abandon(packetId);
  }

  #trace(message: Delivered, qos: QoS): void {
    const { properties, topic } = message;
    if (properties?.traceparent === undefined) return;
    this.#parts.tracing.deliver(properties.traceparent, topic, qos, this.id, properties.tracestate)?.end();
  }
}

/** As the record has it; a filter that is none any more (a later version wrote it) brings nothing. */
function asSubscription({ filter, qos, from }: SessionSubscription): Subscription[] {
  const parsed = parseFilter(filter, NO_LIMITS);
  return parsed.ok ? [{ filter: parsed.value, qos, from }] : [];
}

/** It was checked against the limits of the door that granted it. */
const NO_LIMITS = { maxTopicBytes: 65_535, maxTopicLevels: 65_535 };

interface Due {
  packetId: number;
  pos: number;
  qos: 1 | 2;
  retained?: string;
}

const RETAINED: Parameters<PublishFrames['single']>[3] = { retain: true };
