/** The packets in a stream of bytes. */
export class Frames {
  #kept: Buffer = Buffer.alloc(0);

  feed(chunk: Buffer): void {
    this.#kept = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
  }

  /** The next one; undefined: it is not whole yet. */
  next(): { readonly first: number; readonly body: Buffer } | undefined {
    const bytes = this.#kept;
    const size = packetSize(bytes);
    if (size === undefined || size > bytes.length) return undefined;
    this.#kept = bytes.subarray(size);
    return { first: bytes[0]!, body: bytes.subarray(bodyStart(bytes), size) };
  }
}

/** Bytes of the whole packet at the beginning; undefined: its length is not there yet. */
function packetSize(bytes: Buffer): number | undefined {
  let length = 0;
  for (let at = 1; at < 5; at++) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 128 ** (at - 1);
    if (byte < 0x80) return at + 1 + length;
  }
  throw new Error('a remaining length of more than four bytes');
}

/** Where its body begins; its length is there. */
function bodyStart(bytes: Buffer): number {
  let at = 1;
  while (bytes[at]! >= 0x80) at++;
  return at + 1;
}
