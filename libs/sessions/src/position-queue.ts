import { VarintReader, VarintWriter } from './varints.ts';

/** What may wait for one session; then the oldest go. */
export interface SessionLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

/** What the limits took: everything at or below `pos`. */
export interface Dropped {
  readonly pos: number;
  readonly messages: number;
  readonly bytes: number;
}

/** Messages that are counted and whose positions are not kept. */
interface Counted {
  readonly first: number;
  last: number;
  messages: number;
  bytes: number;
}

/** Positions kept of one session; beyond them its messages are only counted. */
const KEEP = 1_000;
/** Counted messages are dropped in portions of this size. */
const PORTION = 1_000;

const NOTHING_DROPPED: Dropped = { pos: 0, messages: 0, bytes: 0 };

/**
 * The messages that wait for one session: the positions of the first `keep`, three or four bytes each, then only how many and how large.
 * Positions rise.
 */
export class PositionQueue {
  readonly #keep: number;
  /** Of each position kept: its distance from the one before, and the size of its message. */
  #pairs = new VarintWriter(16);
  #head = 0;
  /** Before the first position kept, and the last. */
  #before = 0;
  #last = 0;
  #kept = 0;
  #counted: Counted[] = [];
  messages = 0;
  bytes = 0;
  dropped: Dropped = NOTHING_DROPPED;

  constructor(keep = KEEP) {
    this.#keep = keep;
  }

  get kept(): number {
    return this.#kept;
  }

  /** All positions below this one are known: the first that is only counted. */
  get knownBelow(): number {
    return this.#counted[0]?.first ?? Infinity;
  }

  push(pos: number, size: number): void {
    this.messages++;
    this.bytes += size;
    if (this.#counted.length > 0 || this.#kept >= this.#keep) this.#count(pos, size);
    else {
      if (this.#kept === 0) this.#before = this.#last = pos - 1;
      this.#pairs.number(pos - this.#last);
      this.#pairs.number(size);
      this.#last = pos;
      this.#kept++;
    }
  }

  /** Takes the oldest until the limits hold. How many went. */
  trim({ maxMessages, maxBytes }: SessionLimits): number {
    if (this.messages <= maxMessages && this.bytes <= maxBytes) return 0;
    const before = this.messages;
    const bytesBefore = this.bytes;
    let { pos } = this.dropped;
    const reader = new VarintReader(this.#pairs.view(), this.#head);
    while (this.messages > maxMessages || this.bytes > maxBytes) {
      if (this.#kept > 0) {
        this.#shift(reader);
        pos = this.#before;
      } else {
        const portion = this.#counted.shift()!;
        this.messages -= portion.messages;
        this.bytes -= portion.bytes;
        pos = portion.last;
      }
    }
    this.#cut();
    const went = before - this.messages;
    this.dropped = {
      pos,
      messages: this.dropped.messages + went,
      bytes: this.dropped.bytes + bytesBefore - this.bytes,
    };
    return went;
  }

  /** The client has considered everything up to `cursor`. False: what is left after it is not known any more; begin anew. */
  advance(cursor: number): boolean {
    if (cursor >= this.knownBelow) return false;
    if (this.dropped.pos <= cursor) this.dropped = NOTHING_DROPPED;
    const reader = new VarintReader(this.#pairs.view(), this.#head);
    while (this.#kept > 0 && this.#before < cursor) {
      const { at } = reader;
      const pos = this.#before + reader.number();
      reader.at = at;
      if (pos > cursor) break;
      this.#shift(reader);
    }
    this.#cut();
    return true;
  }

  /** Those kept within (above, through]. */
  positions(above: number, through: number): number[] {
    const found: number[] = [];
    const reader = new VarintReader(this.#pairs.view(), this.#head);
    let pos = this.#before;
    for (let left = this.#kept; left > 0; left--) {
      pos += reader.number();
      reader.number();
      if (pos > through) break;
      if (pos > above) found.push(pos);
    }
    return found;
  }

  /** Writes what lies at or below `through`. */
  write(out: VarintWriter, through: number): void {
    const { kept, end } = this.#keptThrough(through);
    out.number(this.#before);
    out.number(kept);
    out.block(this.#pairs.view().subarray(this.#head, end));
    const counted = this.#counted.filter(({ first }) => first <= through);
    out.number(counted.length);
    for (const { first, last, messages, bytes } of counted) {
      // Of a portion that is cut, an estimate: its positions are not known.
      const share = last <= through ? 1 : (through - first + 1) / (last - first + 1);
      for (const value of [first, Math.min(last, through), messages * share, bytes * share])
        out.number(Math.floor(value));
    }
    for (const value of [this.dropped.pos, this.dropped.messages, this.dropped.bytes]) out.number(value);
  }

  /** What `write` wrote. Throws a RangeError when it is not that. */
  static read(from: VarintReader, keep?: number): PositionQueue {
    const queue = new PositionQueue(keep);
    queue.#before = queue.#last = from.number();
    queue.#kept = from.number();
    const pairs = from.block();
    queue.#pairs.bytes(pairs);
    const reader = new VarintReader(pairs);
    for (let left = queue.#kept; left > 0; left--) {
      queue.#last += reader.number();
      queue.bytes += reader.number();
      queue.messages++;
    }
    for (let left = from.number(); left > 0; left--) {
      const portion = {
        first: from.number(),
        last: from.number(),
        messages: from.number(),
        bytes: from.number(),
      };
      queue.#counted.push(portion);
      queue.messages += portion.messages;
      queue.bytes += portion.bytes;
    }
    queue.dropped = { pos: from.number(), messages: from.number(), bytes: from.number() };
    return queue;
  }

  #count(pos: number, size: number): void {
    const portion = this.#counted.at(-1);
    if (portion === undefined || portion.messages >= PORTION) {
      this.#counted.push({ first: pos, last: pos, messages: 1, bytes: size });
      return;
    }
    portion.last = pos;
    portion.messages++;
    portion.bytes += size;
  }

  #shift(reader: VarintReader): void {
    this.#before += reader.number();
    this.bytes -= reader.number();
    this.messages--;
    this.#kept--;
    this.#head = reader.at;
  }

  #cut(): void {
    if (this.#head < 512 || this.#head * 2 < this.#pairs.length) return;
    this.#pairs.cut(this.#head);
    this.#head = 0;
  }

  #keptThrough(through: number): { kept: number; end: number } {
    if (this.#last <= through) return { kept: this.#kept, end: this.#pairs.length };
    const reader = new VarintReader(this.#pairs.view(), this.#head);
    let pos = this.#before;
    let end = this.#head;
    for (let kept = 0; kept < this.#kept; kept++) {
      pos += reader.number();
      if (pos > through) return { kept, end };
      reader.number();
      end = reader.at;
    }
    return { kept: this.#kept, end };
  }
}
