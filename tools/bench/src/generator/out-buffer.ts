import type { Link } from './link.ts';

const CAPACITY = 128 << 10;

/** Packets of one turn for one connection, sent in one write. Shared by all connections of a process. */
export class OutBuffer {
  bytes: Buffer = Buffer.allocUnsafeSlow(CAPACITY);
  length = 0;

  /** The offset of `size` bytes to be filled. */
  room(size: number): number {
    const at = this.length;
    this.length = at + size;
    if (this.length > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.length, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, at);
      this.bytes = grown;
    }
    return at;
  }

  sendTo(link: Link): void {
    if (this.length === 0) return;
    const whole = link.write(this.bytes.subarray(0, this.length));
    // What the system has not taken yet still lies in this memory.
    if (!whole) this.bytes = Buffer.allocUnsafeSlow(CAPACITY);
    this.length = 0;
  }
}
