/** Bytes that grow; numbers are whole, not negative, seven bits a byte, the lowest first. */
export class VarintWriter {
  #bytes: Uint8Array;
  length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
  }

  number(value: number): void {
    if (this.length + 8 > this.#bytes.length) this.#grow(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.length++] = rest;
  }

  bytes(data: Uint8Array): void {
    if (this.length + data.length > this.#bytes.length) this.#grow(data.length);
    this.#bytes.set(data, this.length);
    this.length += data.length;
  }

  /** Its length, then the data. */
  block(data: Uint8Array): void {
    this.number(data.length);
    this.bytes(data);
  }

  /** A view of what was written, until more is. */
  view(from = 0): Uint8Array {
    return this.#bytes.subarray(from, this.length);
  }

  /** Forgets what lies before `from`. */
  cut(from: number): void {
    this.#bytes = this.#bytes.slice(from, this.length);
    this.length -= from;
  }

  #grow(by: number): void {
    const larger = new Uint8Array(Math.max(this.length + by, Math.ceil(this.#bytes.length * 1.5)));
    larger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = larger;
  }
}

/** Reads what a `VarintWriter` wrote. Throws a RangeError at the end of the bytes and on what is no whole number. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  get done(): boolean {
    return this.at >= this.#bytes.length;
  }

  number(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) throw new RangeError('the bytes end within a number');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 0x80;
    }
    if (!Number.isSafeInteger(value)) throw new RangeError('a number is too large');
    return value;
  }

  bytes(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.#bytes.length) throw new RangeError('the bytes end within a block');
    const view = this.#bytes.subarray(this.at, end);
    this.at = end;
    return view;
  }

  block(): Uint8Array {
    return this.bytes(this.number());
  }
}
