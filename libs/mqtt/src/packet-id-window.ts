import type { OpenDelivery } from '@trivium/contracts';

/** Packet ids are 1 to 65,535 [MQTT3-2.3.1-1]. */
const MAX_PACKET_ID = 65_535;
/** A client that takes so few at once waits for each place. */
const SMALL = 64;

/**
 * Packet ids of messages to one client that are not done with, and the messages at QoS 1 among them, each by its log position. Ids are
 * given in turn, so that one is used again only after all others, and never while it is in use [MQTT3-2.3.1-2], [MQTT3-2.3.1-4].
 */
export class PacketIdWindow {
  readonly limit: number;
  /** In the order in which they were sent. */
  readonly #open = new Map<number, number>();
  /** Ids of QoS 2 exchanges. */
  readonly #reserved = new Set<number>();
  /** Subject tokens of those that were sent as retained messages. */
  #retained: Map<number, string> | undefined;
  #last = 0;

  /** `limit`: messages that may be open at once, at most 65,535. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Messages that wait for an acknowledgement. */
  get open(): number {
    return this.#open.size + this.#reserved.size;
  }

  get full(): boolean {
    return this.open >= this.limit;
  }

  /** Whether it is worth while to go on: half of the window is free, or any of a small one. */
  get roomy(): boolean {
    return this.open <= (this.limit > SMALL ? this.limit >> 1 : this.limit - 1);
  }

  /** A packet id for the QoS 1 message at log position `pos`. Not when `full`. */
  take(pos: number, retained?: string): number {
    const id = this.#next();
    this.#open.set(id, pos);
    if (retained !== undefined) (this.#retained ??= new Map()).set(id, retained);
    return id;
  }

  /** Closes the QoS 1 message that the id stands for; false when none does. */
  acknowledge(packetId: number): boolean {
    this.#retained?.delete(packetId);
    return this.#open.delete(packetId);
  }

  /** Whether the id stands for a QoS 1 message. */
  has(packetId: number): boolean {
    return this.#open.has(packetId);
  }

  /** A packet id for a QoS 2 message, in use until it is released. Not when `full`. */
  reserve(): number {
    const id = this.#next();
    this.#reserved.add(id);
    return id;
  }

  release(packetId: number): void {
    this.#reserved.delete(packetId);
  }

  /** The open QoS 1 messages, in the order in which they were sent. */
  list(): OpenDelivery[] {
    return [...this.#open].map(([id, pos]) => {
      const retained = this.#retained?.get(id);
      return retained === undefined ? { id, pos } : { id, pos, retained };
    });
  }

  /** Takes up what an earlier connection left; `reserved`: ids of its QoS 2 exchanges. */
  restore(open: readonly OpenDelivery[], reserved: readonly number[]): void {
    for (const id of reserved) this.#reserved.add(id);
    this.#last = Math.max(0, ...reserved);
    const free = open.filter(({ id }) => !this.#reserved.has(id)).map(({ id }) => id);
    for (const id of free) this.#reserved.add(id);
    const kept = new Set(free);
    for (const { id, pos, retained } of open) {
      // An id that has gone to a QoS 2 exchange since the list was written: acknowledged then, or sent again with another.
      if (!kept.delete(id)) {
        this.take(pos, retained);
        continue;
      }
      this.#reserved.delete(id);
      this.#open.set(id, pos);
      if (retained !== undefined) (this.#retained ??= new Map()).set(id, retained);
      this.#last = id;
    }
  }

  #next(): number {
    let id = this.#last;
    do id = id === MAX_PACKET_ID ? 1 : id + 1;
    while (this.#open.has(id) || this.#reserved.has(id));
    this.#last = id;
    return id;
  }
}
