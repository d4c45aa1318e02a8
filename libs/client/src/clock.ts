/** Time, as a parameter. */
export interface Clock {
  /** Milliseconds, monotonic or not: only differences count. */
  now(): number;
  /** Calls `run` once after `ms`. Returns how to prevent it. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
