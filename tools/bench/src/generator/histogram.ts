/** 2^6 buckets per power of two: a value is known to within 0.8 %. */
const SUB_BITS = 6;
const SUB = 1 << SUB_BITS;
const BUCKETS = (31 - SUB_BITS) * SUB + 2 * SUB;

/** Ticks of 0.1 µs: 31 bits reach 214 seconds. */
const TICKS_PER_MS = 10_000;
const MAX_TICKS = 0x7fff_ffff;

export interface HistogramData {
  counts: Uint32Array;
  maxMs: number;
}

/** Latencies in log-linear buckets; `add` allocates nothing. */
export class Histogram {
  readonly #counts: Uint32Array;
  #maxMs = 0;

  constructor(data?: HistogramData) {
    this.#counts = data ? Uint32Array.from(data.counts) : new Uint32Array(BUCKETS);
    this.#maxMs = data?.maxMs ?? 0;
  }

  add(ms: number): void {
    const ticks = ms <= 0 ? 0 : Math.min(MAX_TICKS, ms * TICKS_PER_MS) | 0;
    const shift = ticks < 2 * SUB ? 0 : 31 - SUB_BITS - Math.clz32(ticks);
    const index = shift * SUB + (ticks >>> shift);
    this.#counts[index] = (this.#counts[index] as number) + 1;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  merge(data: HistogramData): void {
    for (let i = 0; i < BUCKETS; i++)
      this.#counts[i] = (this.#counts[i] as number) + (data.counts[i] as number);
    this.#maxMs = Math.max(this.#maxMs, data.maxMs);
  }

  /** Milliseconds below which the share `q` (0 to 1) of the values lies; 0 when there are none. */
  quantile(q: number): number {
    const wanted = Math.min(Math.floor(q * this.count), this.count - 1);
    let seen = 0;
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.#counts[i] as number;
      if (seen > wanted) return Math.min(middle(i) / TICKS_PER_MS, this.#maxMs);
    }
    return this.#maxMs;
  }

  get count(): number {
    return this.#counts.reduce((sum, n) => sum + n, 0);
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  data(): HistogramData {
    return { counts: this.#counts, maxMs: this.#maxMs };
  }
}

function middle(index: number): number {
  if (index < 2 * SUB) return index;
  const shift = (index >> SUB_BITS) - 1;
  return (index - shift * SUB) * 2 ** shift + 2 ** shift / 2;
}
