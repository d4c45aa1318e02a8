import type { ErrorCode, TopicFilter } from '@trivium/contracts';
import { errorCode } from '@trivium/contracts';
import type { Attachment, Delivered, Receiver, Subscription } from '@trivium/delivery';
import type { DoorParts } from './door-parts.ts';
import type { Outbox } from './outbox.ts';
import { PacketIdWindow } from './packet-id-window.ts';

/** The subscriptions of one client, and messages on their way to it. */
export class Subscriber implements Receiver {
  /** Of the client. */
  readonly id: string;
  readonly #parts: DoorParts;
  readonly #outbox: Outbox;
  readonly #attachment: Attachment;
  readonly #window: PacketIdWindow;
  /** Delivery was told that there is no room, and waits to hear that there is. */
  #full = false;

  constructor(parts: DoorParts, client: string, outbox: Outbox) {
    this.id = client;
    this.#parts = parts;
    this.#outbox = outbox;
    this.#window = new PacketIdWindow(parts.config.maxInflight);
    this.#attachment = parts.delivery.attach(this);
  }

  get subscriptions(): ReadonlyMap<TopicFilter, Subscription> {
    return this.#attachment.subscriptions;
  }

  /** Whether a message with this packet id waits for its acknowledgement. */
  isOpen(packetId: number): boolean {
    return this.#window.has(packetId);
  }

  /** Resolves to undefined when they are active, else to why they are not. */
  subscribe(subscriptions: readonly Subscription[]): Promise<ErrorCode | undefined> {
    this.#parts.stats.subscribes += subscriptions.length;
    return this.#attachment.subscribe(subscriptions).then(() => undefined, errorCode);
  }

  unsubscribe(filters: readonly TopicFilter[]): void {
    this.#parts.stats.unsubscribes += filters.length;
    this.#attachment.unsubscribe(filters);
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
    const { stats, config, frames, tracing } = this.#parts;
    const outbox = this.#outbox;
    if (outbox.waiting > config.maxOutputBytes || this.#window.full) {
      this.#full = true;
      return false;
    }
    const qos = message.qos === 0 || sub.qos === 0 ? 0 : 1;
    if (qos === 0) {
      frames.qos0(message);
      stats.deliveredQos0++;
    } else {
      frames.qos1(message, this.#window.take(message.pos));
      stats.deliveredQos1++;
    }
    outbox.append(frames.buffer, frames.start, frames.end);
    if (tracing.enabled) this.#trace(message, qos);
    return true;
  }

  /** PUBACK. One for a message that does not wait is ignored. */
  acknowledged(packetId: number): void {
    if (this.#window.acknowledge(packetId) && this.#full) this.resumeWhenRoomy();
  }

  /** Takes messages again when half of the window and of the output are free. */
  resumeWhenRoomy(): void {
    if (!this.#full || !this.#window.roomy) return;
    if (this.#outbox.waiting > this.#parts.config.maxOutputBytes >> 1) return;
    this.#full = false;
    this.#attachment.resume();
  }

  close(): void {
    this.#attachment.detach();
  }

  #trace(message: Delivered, qos: 0 | 1): void {
    const { properties, topic } = message;
    if (properties?.traceparent === undefined) return;
    this.#parts.tracing.deliver(properties.traceparent, topic, qos, this.id, properties.tracestate)?.end();
  }
}
