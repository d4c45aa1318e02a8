export type Sighting = 'new' | 'late' | 'duplicate';

const FIRST_CAPACITY = 4_096;

/**
 * What one subscriber has seen of one publisher: a bit per sequence number, so that loss, repetition and
 * reordering are counted and not estimated.
 */
export class Track {
  #seen = new Uint8Array(FIRST_CAPACITY >> 3);
  #next = 0;

  /** `late`: seen for the first time, after a higher one. */
  see(sequence: number): Sighting {
    const byte = sequence >>> 3;
    if (byte >= this.#seen.length) this.#grow(byte);
    const bits = this.#seen[byte] as number;
    const bit = 1 << (sequence & 7);
    if ((bits & bit) !== 0) return 'duplicate';
    this.#seen[byte] = bits | bit;
    if (sequence < this.#next) return 'late';
    this.#next = sequence + 1;
    return 'new';
  }

  #grow(byte: number): void {
    let length = this.#seen.length;
    while (length <= byte) length *= 2;
    const grown = new Uint8Array(length);
    grown.set(this.#seen);
    this.#seen = grown;
  }
}
