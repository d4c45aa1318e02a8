/** Packet ids are 1 to 65,535 [MQTT3-2.3.1-1]. */
const MAX_PACKET_ID = 65_535;

/** Packet ids of the messages sent to one client at QoS 1 and not acknowledged. None is used twice at a time [MQTT3-2.3.1-2]. */
export class PacketIdWindow {
  readonly #limit: number;
  readonly #open = new Set<number>();
  #last = 0;

  /** `limit`: messages that may be open at once, at most 65,535. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get full(): boolean {
    return this.#open.size >= this.#limit;
  }

  /** Whether half of it is free. */
  get roomy(): boolean {
    return this.#open.size <= this.#limit >> 1;
  }

  /** Not when `full`. */
  take(): number {
    do this.#last = this.#last === MAX_PACKET_ID ? 1 : this.#last + 1;
    while (this.#open.has(this.#last));
    this.#open.add(this.#last);
    return this.#last;
  }

  /** False when no message waits under this id. */
  acknowledge(packetId: number): boolean {
    return this.#open.delete(packetId);
  }
}
