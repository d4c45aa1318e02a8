/** Thousandths are kept: with whole numbers given, nothing is lost in rounding. */
const WHOLE = 1_000;

/**
 * `perSecond` in the mean, `burst` at once: a second's worth unless given. It begins full. Times are milliseconds of whatever clock the
 * caller has; when that is set back nothing is gained and nothing lost.
 */
export class TokenBucket {
  /** Thousandths a millisecond. */
  readonly #perMs: number;
  readonly #burst: number;
  #left: number;
  #atMs: number;

  /** @param burst at least 1: less would let nothing pass */
  constructor(perSecond: number, nowMs: number, burst = perSecond) {
    this.#perMs = perSecond;
    this.#burst = Math.max(1, burst) * WHOLE;
    this.#left = this.#burst;
    this.#atMs = nowMs;
  }

  /**
   * Takes `n` and returns 0, or takes nothing and returns the milliseconds after which it may be tried again. More than the burst is
   * taken when the bucket is full, and waited for afterwards: otherwise it would never pass.
   */
  take(n: number, nowMs: number): number {
    this.#refill(nowMs);
    const missing = Math.min(n * WHOLE, this.#burst) - this.#left;
    if (missing > 0) return Math.ceil(missing / this.#perMs);
    this.#left -= n * WHOLE;
    return 0;
  }

  /** Takes `n` in any case, for what has happened already, and returns the milliseconds after which nothing is owed; 0 when nothing is. */
  spend(n: number, nowMs: number): number {
    this.#refill(nowMs);
    this.#left -= n * WHOLE;
    return this.#left >= 0 ? 0 : Math.ceil(-this.#left / this.#perMs);
  }

  /** Whether a new one would be the same. */
  isFull(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#left >= this.#burst;
  }

  #refill(nowMs: number): void {
    const passedMs = nowMs - this.#atMs;
    this.#atMs = nowMs;
    if (passedMs > 0) this.#left = Math.min(this.#burst, this.#left + passedMs * this.#perMs);
  }
}
