import type { Bus } from '@trivium/bus';
import type { Delivered, Delivery } from '@trivium/delivery';
import { throughOutages } from '@trivium/sessions';
import type { ExactlyOnceOut } from './exactly-once-out.ts';
import type { PacketIdWindow } from './packet-id-window.ts';
import type { DoorStats } from './stats.ts';
import { unacknowledged, type Unacknowledged } from './unacknowledged.ts';

export interface RedeliveryOptions {
  bus: Bus;
  delivery: Delivery;
  stats: DoorStats;
  window: PacketIdWindow;
  exactlyOnce: ExactlyOnceOut | undefined;
  /** As many as the client takes unacknowledged: it may take fewer than the earlier connection did [MQTT-3.3.4-9]. */
  limit: number;
  /** False: the client may not have it any more. */
  mayReceive(message: Delivered): boolean;
  /** False: it is larger than the client takes. */
  send(message: Delivered, one: Unacknowledged): boolean;
  /** All have been sent. */
  onDone(): void;
}

/** What is sent again when a session goes on [MQTT3-4.4.0-1], [MQTT-4.4.0-1]: before anything new, in the order of the log. */
export class Redelivery {
  readonly #options: RedeliveryOptions;
  #due: readonly Unacknowledged[];
  /** Packet ids of those that were sent here. */
  readonly #open = new Set<number>();
  #reading = false;
  #closed = false;

  constructor(options: RedeliveryOptions) {
    this.#options = options;
    this.#due = unacknowledged(options.window, options.exactlyOnce).toSorted((a, b) => a.pos - b.pos);
  }

  /** Sends as many as the client takes. Rejects with a retryable error when the bus is away. */
  async begin(): Promise<void> {
    while (this.#due.length > 0 && this.#open.size < this.#options.limit) await this.#sendSome();
    if (this.#due.length === 0) this.#options.onDone();
  }

  /** An acknowledgement: there may be room for one more. */
  settled(packetId: number): void {
    if (this.#open.delete(packetId) && !this.#reading) void this.#goOn();
  }

  close(): void {
    this.#closed = true;
  }

  async #goOn(): Promise<void> {
    this.#reading = true;
    await throughOutages(this.#options.bus, () => (this.#closed ? Promise.resolve() : this.begin()));
    this.#reading = false;
  }

  async #sendSome(): Promise<void> {
    const batch = this.#due.slice(0, this.#options.limit - this.#open.size);
    let next = 0;
    try {
      await this.#options.delivery.read(batch, (_pos, message) => this.#take(batch[next++]!, message));
    } finally {
      this.#due = this.#due.slice(next);
    }
  }

  #take(one: Unacknowledged, message: Delivered | undefined): void {
    const { window, exactlyOnce, stats, mayReceive, send } = this.#options;
    const { packetId, qos } = one;
    const isWaiting = qos === 1 ? window.has(packetId) : exactlyOnce!.isSent(packetId);
    if (!isWaiting || this.#closed) return;
    const isAllowed = message === undefined || mayReceive(message);
    if (message !== undefined && isAllowed) {
      stats.redelivered++;
      if (send(message, one)) return void this.#open.add(packetId);
    }
    // Gone from the log, too large, or none of its business any more: the client will not hear of it.
    if (isAllowed) stats.gaps++;
    if (qos === 1) window.acknowledge(packetId);
    else exactlyOnce!.abandon(packetId);
  }
}
