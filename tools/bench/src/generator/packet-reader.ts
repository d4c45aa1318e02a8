/** `bytes[start]` to `bytes[end - 1]` is the packet after its fixed header; valid during the call only. */
export type PacketHandler = (firstByte: number, bytes: Buffer, start: number, end: number) => void;

const MAX_LENGTH_BYTES = 4;

/** Cuts a byte stream into MQTT packets. Those that arrive whole are not copied. Throws on a malformed length. */
export class PacketReader {
  readonly #handle: PacketHandler;
  #carry: Buffer | undefined;

  constructor(handle: PacketHandler) {
    this.#handle = handle;
  }

  /** `chunk` may be overwritten after the call. */
  push(chunk: Buffer): void {
    const bytes = this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk;
    const used = this.#parse(bytes);
    this.#carry = used < bytes.length ? Buffer.from(bytes.subarray(used)) : undefined;
  }

  #parse(bytes: Buffer): number {
    let at = 0;
    while (at + 2 <= bytes.length) {
      let length = 0;
      let start = at + 1;
      for (let shift = 0; ; shift += 7) {
        if (start >= bytes.length) return at;
        const byte = bytes[start++] as number;
        length += (byte & 127) * 2 ** shift;
        if (byte < 128) break;
        if (start - at > MAX_LENGTH_BYTES) throw new Error('malformed remaining length from the broker');
      }
      if (start + length > bytes.length) return at;
      this.#handle(bytes[at] as number, bytes, start, start + length);
      at = start + length;
    }
    return at;
  }
}
