const MAX_MARKS = 64;
/** Positions already given are cut off in pieces of this size. */
const COMPACT_AT = 512;

/** The oldest of a backlog that went: what lies at or below `pos`. */
export interface Dropped {
  readonly pos: number;
  readonly messages: number;
  readonly bytes: number;
}

/** How many messages and bytes came up to and including the one at `pos`. */
interface Mark {
  readonly pos: number;
  readonly count: number;
  readonly bytes: number;
}

/**
 * What waits for one client, by log positions and nothing else: the first ones in order, and of all of them how many and how large
 * they are. Whoever follows the log appends what matches the client's filters, so that within (from, the follower's position]
 * exactly these positions match, or, when there were too many, within (from, through].
 */
export class Backlog {
  /** Positions kept, when nothing else is said. */
  static readonly CAPACITY = 1_000;
  readonly #capacity: number;
  #from: number;
  #through: number | undefined;
  #positions: number[] = [];
  #head = 0;
  /** Last position appended. */
  #last: number;
  /** Since the backlog was last empty: what came, and what of it is done. */
  #count = 0;
  #bytes = 0;
  #doneCount = 0;
  #doneBytes = 0;
  /** One mark per so many messages, doubled when there are too many marks. */
  #stride = 1;
  #marks: Mark[] = [];

  constructor(from: number, capacity = Backlog.CAPACITY) {
    this.#from = from;
    this.#last = from;
    this.#capacity = capacity;
  }

  /** Nothing at or below it is in the backlog. */
  get from(): number {
    return this.#from;
  }

  /** Undefined while every position is kept; else the position up to which they are. */
  get through(): number | undefined {
    return this.#through;
  }

  /** Messages that wait, those beyond the kept positions included; at most a stride of marks too many after they were passed over. */
  get messages(): number {
    return this.#count - this.#doneCount;
  }

  /** Their payloads; at most those of a stride too many. */
  get bytes(): number {
    return this.#bytes - this.#doneBytes;
  }

  /** How many positions it keeps. */
  get kept(): number {
    return this.#positions.length - this.#head;
  }

  /** The oldest position kept. */
  get first(): number | undefined {
    return this.#positions[this.#head];
  }

  /** The positions kept, ascending. */
  positions(): number[] {
    return this.#positions.slice(this.#head);
  }

  /** The oldest position kept above `pos`. */
  next(pos: number): number | undefined {
    let low = this.#head;
    let high = this.#positions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#positions[middle]! > pos) high = middle;
      else low = middle + 1;
    }
    return this.#positions[low];
  }

  /** False when the position is not kept, only counted. One that is not above the last is in already. */
  append(pos: number, bytes: number): boolean {
    if (pos <= this.#last) return this.#through === undefined;
    if (this.messages === 0) this.#restart();
    this.#last = pos;
    this.#count++;
    this.#bytes += bytes;
    if (this.#count % this.#stride === 0) this.#mark(pos);
    if (this.#through !== undefined) return false;
    if (this.kept >= this.#capacity) {
      this.#through = pos - 1;
      return false;
    }
    this.#positions.push(pos);
    return true;
  }

  /** The list ends at `through`, however little it has: what comes later is only counted. */
  close(through: number): void {
    this.#through ??= through;
  }

  /** All at or below `pos` is done. `bytes`: of the message there, when it is the next one of the backlog. */
  advance(pos: number, bytes?: number): void {
    if (pos <= this.#from) return;
    this.#from = pos;
    const positions = this.#positions;
    const before = this.#doneCount;
    while (this.#head < positions.length && positions[this.#head]! <= pos) {
      this.#head++;
      this.#doneCount++;
    }
    if (bytes !== undefined && pos <= this.#last) {
      if (this.#doneCount === before) this.#doneCount++;
      this.#doneBytes += bytes;
    }
    if (this.#head >= COMPACT_AT && this.#head * 2 >= positions.length) {
      this.#positions = positions.slice(this.#head);
      this.#head = 0;
    }
    let passed = 0;
    while (passed < this.#marks.length && this.#marks[passed]!.pos <= pos) passed++;
    if (passed > 0) {
      const mark = this.#marks[passed - 1]!;
      this.#doneCount = Math.max(this.#doneCount, mark.count);
      this.#doneBytes = Math.max(this.#doneBytes, mark.bytes);
      this.#marks.splice(0, passed);
    }
    if (pos >= this.#last || this.#doneCount === this.#count) {
      this.#doneCount = this.#count;
      this.#doneBytes = this.#bytes;
    }
  }

  /**
   * Drops the oldest, so that what is left is within the limits, and at most a stride of marks less than they allow. Undefined when
   * it is within them.
   */
  trim(limits: { readonly maxMessages: number; readonly maxBytes: number }): Dropped | undefined {
    if (this.messages <= limits.maxMessages && this.bytes <= limits.maxBytes) return undefined;
    const count = this.#doneCount;
    const bytes = this.#doneBytes;
    const end = { pos: this.#last, count: this.#count, bytes: this.#bytes };
    const fits = (mark: Mark): boolean =>
      end.count - mark.count <= limits.maxMessages && end.bytes - mark.bytes <= limits.maxBytes;
    const mark = this.#marks.find(fits) ?? end;
    this.advance(mark.pos);
    return { pos: mark.pos, messages: mark.count - count, bytes: mark.bytes - bytes };
  }

  /** The log ends at `last` now: positions above it are given out anew. */
  cut(last: number): void {
    while (this.#positions.length > this.#head && this.#positions.at(-1)! > last) {
      this.#positions.pop();
      if (this.#through === undefined) this.#count--;
    }
    this.#marks = this.#marks.filter(({ pos }) => pos <= last);
    const mark = this.#marks.at(-1) ?? { count: this.#doneCount, bytes: this.#doneBytes };
    if (this.#last > last) {
      if (this.#through !== undefined) this.#count = mark.count;
      this.#bytes = mark.bytes;
    }
    this.#from = Math.min(this.#from, last);
    this.#last = Math.min(this.#last, last);
    if (this.#through !== undefined) this.#through = Math.min(this.#through, last);
  }

  #mark(pos: number): void {
    if (this.#marks.length === MAX_MARKS) {
      this.#stride *= 2;
      this.#marks = this.#marks.filter(({ count }) => count % this.#stride === 0);
      if (this.#count % this.#stride !== 0) return;
    }
    this.#marks.push({ pos, count: this.#count, bytes: this.#bytes });
  }

  #restart(): void {
    this.#count = this.#doneCount = 0;
    this.#bytes = this.#doneBytes = 0;
    this.#stride = 1;
    this.#marks = [];
  }
}
