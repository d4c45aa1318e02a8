/** The newest messages of a reading of the log: where, on which topic, how large. Bounded; the oldest go. */
export class RecentTopics<T> {
  readonly #capacity: number;
  readonly #positions: Float64Array;
  readonly #sizes: Float64Array;
  readonly #topics: (T | undefined)[];
  /** Running numbers of the oldest kept and of the next to come. */
  #first = 0;
  #next = 0;
  #floor = 0;
  #last = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#positions = new Float64Array(capacity);
    this.#sizes = new Float64Array(capacity);
    this.#topics = new Array<T | undefined>(capacity).fill(undefined);
  }

  /** Every message above this position, up to the last one pushed, is here. */
  get floor(): number {
    return this.#floor;
  }

  /** The lowest position from which on everything up to `through` is here. */
  reach(through: number): number {
    return through > this.#last ? through : Math.min(this.#floor, through);
  }

  /** A reading begins above `after`. */
  reset(after: number): void {
    this.#topics.fill(undefined);
    this.#first = this.#next = 0;
    this.#floor = this.#last = after;
  }

  /** `topic` undefined: a message that nobody can want. One that is not above the last is here already. */
  push(pos: number, topic: T | undefined, size: number): void {
    if (pos <= this.#last) return;
    this.#last = pos;
    if (topic === undefined) return;
    const at = this.#next % this.#capacity;
    if (this.#next - this.#first === this.#capacity)
      this.#floor = this.#positions[this.#first++ % this.#capacity]!;
    this.#positions[at] = pos;
    this.#sizes[at] = size;
    this.#topics[at] = topic;
    this.#next++;
  }

  /** Within (above, through], in order, until `visit` returns false. */
  replay(above: number, through: number, visit: (pos: number, topic: T, size: number) => boolean): void {
    let low = this.#first;
    let high = this.#next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#positions[middle % this.#capacity]! > above) high = middle;
      else low = middle + 1;
    }
    for (let i = low; i < this.#next; i++) {
      const at = i % this.#capacity;
      const pos = this.#positions[at]!;
      if (pos > through || !visit(pos, this.#topics[at]!, this.#sizes[at]!)) return;
    }
  }
}
