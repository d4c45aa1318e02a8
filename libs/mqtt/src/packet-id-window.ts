/** Packet ids are 1 to 65,535 [MQTT-2.3.1-1]. */
const MAX_PACKET_ID = 65_535;

/**
 * Messages sent to one client at QoS 1 and not acknowledged, by packet id, each with the log position of its message. Ids are given in
 * turn, so that one is used again only after all others, and never while its message is open [MQTT-2.3.1-2], [MQTT-2.3.1-4].
 */
export class PacketIdWindow {
  readonly limit: number;
  /** In the order in which they were sent. */
  readonly #open = new Map<number, number>();
  #last = 0;

  /** `limit`: messages that may be open at once, at most 65,535. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Messages that wait for their acknowledgement. */
  get open(): number {
    return this.#open.size;
  }

  get full(): boolean {
    return this.#open.size >= this.limit;
  }

  /** Whether half of the window is free. */
  get roomy(): boolean {
    return this.#open.size <= this.limit >> 1;
  }

  /** A packet id for the message at log position `pos`. Not when `full`. */
  take(pos: number): number {
    let id = this.#last;
    do id = id === MAX_PACKET_ID ? 1 : id + 1;
    while (this.#open.has(id));
    this.#last = id;
    this.#open.set(id, pos);
    return id;
  }

  /** Closes the message that the id stands for; false when none does. */
  acknowledge(packetId: number): boolean {
    return this.#open.delete(packetId);
  }

  has(packetId: number): boolean {
    return this.#open.has(packetId);
  }

  /** Log position of the message that has waited longest; undefined when none waits. */
  get oldest(): number | undefined {
    return this.#open.values().next().value;
  }
}
