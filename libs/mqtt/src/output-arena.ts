/** A piece of the arena; large enough that making one is rare, small enough that a slow client pins little. */
const ARENA_BYTES = 131_072;

/**
 * Memory that outgoing packets are written into, shared by all connections of a door. Space is handed out once and never again: a
 * piece lives as long as something points into it.
 */
export class OutputArena {
  buffer: Buffer = Buffer.allocUnsafeSlow(ARENA_BYTES);
  #used = 0;

  /** Makes room for `size` bytes in `buffer` and returns where it begins. */
  reserve(size: number): number {
    const at = this.#used;
    if (at + size > this.buffer.length) {
      this.buffer = Buffer.allocUnsafeSlow(Math.max(ARENA_BYTES, size));
      this.#used = size;
      return 0;
    }
    this.#used = at + size;
    return at;
  }
}
