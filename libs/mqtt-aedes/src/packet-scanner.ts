const NONE = -1;

/** Tells which packets a byte stream consists of, by their headers, however it is cut. */
export class PacketScanner {
  readonly #onPacket: (type: number) => void;
  #type = NONE;
  #length = 0;
  #shift = 0;
  #skip = 0;

  /** `onPacket` is called with the packet type when the header of a packet has passed. */
  constructor(onPacket: (type: number) => void) {
    this.#onPacket = onPacket;
  }

  scan(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const byte = chunk[at++]!;
      if (this.#type === NONE) {
        this.#type = byte >> 4;
        this.#length = 0;
        this.#shift = 0;
        continue;
      }
      this.#length += (byte & 0x7f) << this.#shift;
      this.#shift += 7;
      if (byte >= 0x80) continue;
      const type = this.#type;
      this.#type = NONE;
      this.#skip = this.#length;
      this.#onPacket(type);
    }
  }
}
