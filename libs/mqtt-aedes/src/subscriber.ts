import { errorCode, type ErrorCode, type TopicFilter } from '@trivium/contracts';
import type { Attachment, Delivered, Receiver, Subscription } from '@trivium/delivery';
import type { Client } from 'aedes';
import type { DoorParts } from './door-parts.ts';
import { PacketIdWindow } from './packet-id-window.ts';
import type { MessageSpan } from './tracing.ts';

/** The connection that the messages go to. */
export interface SubscriberHost {
  readonly client: Client;
  /** Whether messages of the topic are its business. */
  mayReceive(topic: string): boolean;
  /** Runs what must not throw; ends the connection if it does. */
  attempt(where: string, run: () => void): void;
}

/** What a message takes besides topic and payload. */
const OVERHEAD_BYTES = 64;

/**
 * Messages of the hub on their way to one client of aedes. What aedes has not written yet is bounded: beyond that QoS 0 is dropped and
 * QoS 1 stays in the log until there is room.
 */
export class Subscriber implements Receiver {
  readonly id: string;
  readonly #parts: DoorParts;
  readonly #host: SubscriberHost;
  readonly #client: Client;
  readonly #attachment: Attachment;
  readonly #window: PacketIdWindow;
  readonly #filters = new Set<TopicFilter>();
  /** Bytes handed to aedes and not known to be written. */
  #waiting = 0;
  /** Delivery has been told that there is no room. */
  #full = false;
  #packetId: number | undefined;

  constructor(parts: DoorParts, host: SubscriberHost) {
    const { client } = host;
    this.id = client.id;
    this.#parts = parts;
    this.#host = host;
    this.#client = client;
    this.#window = new PacketIdWindow(parts.config.maxInflight);
    this.#attachment = parts.delivery.attach(this);
  }

  /** Whether the client may have this filter too. */
  admits(filter: TopicFilter): boolean {
    if (!this.#filters.has(filter) && this.#filters.size >= this.#parts.config.maxSubscriptions) return false;
    this.#filters.add(filter);
    return true;
  }

  /** Resolves to undefined when they are active, else to why they are not. */
  subscribe(subscriptions: readonly Subscription[]): Promise<ErrorCode | undefined> {
    this.#parts.stats.subscribes += subscriptions.length;
    return this.#attachment.subscribe(subscriptions).then(() => undefined, errorCode);
  }

  /** No new message comes by this filter when it returns [MQTT3-3.10.4-2]. */
  unsubscribe(filter: TopicFilter): void {
    this.#parts.stats.unsubscribes++;
    this.#filters.delete(filter);
    this.#attachment.unsubscribe([filter]);
  }

  onLive(message: Delivered): void {
    if (!this.#isAllowed(message)) return;
    if (this.#waiting > this.#parts.config.maxOutputBytes) this.#parts.stats.droppedOut++;
    else this.#host.attempt('a message to a client', () => this.#hand(message, 0));
  }

  onDurable(message: Delivered, sub: Subscription): boolean {
    if (!this.#isAllowed(message)) return true;
    if (this.#window.full || this.#waiting > this.#parts.config.maxOutputBytes) {
      this.#full = true;
      return false;
    }
    const qos = message.qos === 0 || sub.qos === 0 ? 0 : 1;
    this.#host.attempt('a message to a client', () => this.#hand(message, qos));
    return true;
  }

  /** PUBACK. One for a message that does not wait is ignored. */
  acknowledged(packetId: number | undefined): void {
    if (packetId !== undefined && this.#window.acknowledge(packetId)) this.#resumeWhenRoomy();
  }

  /** The packet id for the message that is being handed over. */
  get packetId(): number | undefined {
    return this.#packetId;
  }

  close(): void {
    this.#attachment.detach();
  }

  #isAllowed({ topic }: Delivered): boolean {
    if (this.#host.mayReceive(topic)) return true;
    this.#parts.stats.deniedOut++;
    return false;
  }

  #hand(message: Delivered, qos: 0 | 1): void {
    const { stats, payloads, tracing, clock } = this.#parts;
    const { properties, topic } = message;
    if (properties?.expiresAt !== undefined && properties.expiresAt <= clock.now()) return;
    const payload = payloads.of(message);
    const bytes = topic.length + payload.length + OVERHEAD_BYTES;
    let span: MessageSpan | undefined;
    if (tracing.enabled && properties?.traceparent !== undefined)
      span = tracing.deliver(properties.traceparent, topic, qos, this.id, properties.tracestate);
    if (qos === 0) stats.deliveredQos0++;
    else stats.deliveredQos1++;
    this.#waiting += bytes;
    this.#packetId = qos === 0 ? undefined : this.#window.take();
    const written = (): void => {
      this.#waiting -= bytes;
      span?.end();
      this.#resumeWhenRoomy();
    };
    this.#client.publish({ cmd: 'publish', topic, payload, qos, retain: false, dup: false }, () =>
      this.#host.attempt('a message written', written),
    );
    this.#packetId = undefined;
  }

  #resumeWhenRoomy(): void {
    if (!this.#full || !this.#window.roomy) return;
    if (this.#waiting > this.#parts.config.maxOutputBytes >> 1) return;
    this.#full = false;
    this.#attachment.resume();
  }
}
