import type { ErrorCode } from '@trivium/contracts';

const MORE = 0x80;
const MAX_LENGTH_BYTES = 4;

/** Cuts a byte stream into whole MQTT packets, without copying those that lie in one chunk. */
export class FrameReader {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #size = 0;
  /** With fewer bytes than this there is nothing to find. */
  #need = 2;

  /** `maxBytes`: of a packet, its header included. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of the packet that is not complete yet. */
  get pending(): number {
    return this.#size;
  }

  /**
   * Appends to `frames` what `chunk` completes. Returns what is wrong with the next one: `protocol.malformed` for a remaining
   * length of more than four bytes, `payload.too-large`. Nothing can be read after that.
   */
  add(chunk: Buffer, frames: Buffer[]): ErrorCode | undefined {
    this.#parts.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#need) return undefined;
    const data = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts, this.#size);
    let at = 0;
    this.#need = 2;
    while (data.length - at >= 2) {
      const header = headerLength(data, at);
      if (header === 0) {
        if (data.length - at > MAX_LENGTH_BYTES) return 'protocol.malformed';
        this.#need = data.length - at + 1;
        break;
      }
      const total = header + remainingLength(data, at);
      if (total > this.#maxBytes) return 'payload.too-large';
      if (data.length - at < total) {
        this.#need = total;
        break;
      }
      frames.push(data.subarray(at, at + total));
      at += total;
    }
    this.#size = data.length - at;
    this.#parts = this.#size === 0 ? [] : [data.subarray(at)];
    return undefined;
  }
}

/** Bytes of the fixed header at `at`; 0 while its end is not there, or not where it has to be. */
export function headerLength(data: Buffer, at: number): number {
  for (let i = 1; i <= MAX_LENGTH_BYTES; i++) {
    const byte = data[at + i];
    if (byte === undefined) return 0;
    if (byte < MORE) return i + 1;
  }
  return 0;
}

function remainingLength(data: Buffer, at: number): number {
  let length = 0;
  for (let i = 1; ; i++) {
    const byte = data[at + i]!;
    length += (byte & 0x7f) << (7 * (i - 1));
    if (byte < MORE) return length;
  }
}
