import type { BusMessage } from '@trivium/bus';

const MAX_MESSAGES = 8_192;
const MAX_BYTES = 8 << 20;

/** Messages that were read from the log last, so that a client that was full for a moment is given them from memory. */
export class RecentLog {
  readonly #messages = new Array<BusMessage | undefined>(MAX_MESSAGES).fill(undefined);
  readonly #positions = new Float64Array(MAX_MESSAGES);
  /** Running numbers of the oldest kept and of the next to come. */
  #first = 0;
  #next = 0;
  #bytes = 0;
  /** Every stored message above this position is kept. */
  #floor: number;

  constructor(floor: number) {
    this.#floor = floor;
  }

  /** True when everything above `pos` is here. */
  covers(pos: number): boolean {
    return pos >= this.#floor;
  }

  push(pos: number, message: BusMessage): void {
    while (this.#next - this.#first >= MAX_MESSAGES || (this.#bytes > MAX_BYTES && this.#next > this.#first))
      this.#drop();
    const at = this.#next++ % MAX_MESSAGES;
    this.#messages[at] = message;
    this.#positions[at] = pos;
    this.#bytes += message.data.length;
  }

  clear(floor: number): void {
    while (this.#next > this.#first) this.#drop();
    this.#floor = floor;
  }

  /** The message at a position, if it is here. */
  find(pos: number): BusMessage | undefined {
    const at = this.#after(pos - 1);
    if (at === this.#next || this.#positions[at % MAX_MESSAGES] !== pos) return undefined;
    return this.#messages[at % MAX_MESSAGES];
  }

  /** In order, what lies above `pos`, until `visit` returns false. */
  replay(pos: number, visit: (pos: number, message: BusMessage) => boolean): void {
    for (let i = this.#after(pos); i < this.#next; i++) {
      const at = i % MAX_MESSAGES;
      if (!visit(this.#positions[at]!, this.#messages[at]!)) return;
    }
  }

  /** Running number of the first one kept above `pos`. */
  #after(pos: number): number {
    let low = this.#first;
    let high = this.#next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#positions[middle % MAX_MESSAGES]! > pos) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #drop(): void {
    const at = this.#first++ % MAX_MESSAGES;
    this.#bytes -= this.#messages[at]!.data.length;
    this.#floor = this.#positions[at]!;
    this.#messages[at] = undefined;
  }
}
