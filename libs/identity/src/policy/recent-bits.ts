const NONE: ReadonlyMap<string, number> = new Map();
/** Longer texts are asked about anew: what is remembered is bounded in bytes too. */
const LONGEST = 512;

/** Bits by text, for those that were asked about last: `most` of them at least, twice as many at most. */
export class RecentBits {
  readonly #most: number;
  #young = new Map<string, number>();
  #old = NONE;

  constructor(most: number) {
    this.#most = most;
  }

  get(text: string): number | undefined {
    const young = this.#young.get(text);
    if (young !== undefined) return young;
    const old = this.#old.get(text);
    if (old !== undefined) this.set(text, old);
    return old;
  }

  set(text: string, bits: number): void {
    if (text.length > LONGEST) return;
    if (this.#young.size >= this.#most) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, bits);
  }
}
