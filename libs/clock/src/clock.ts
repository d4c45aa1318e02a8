/** Time, as a parameter. */
export interface Clock {
  /** Wall clock, ms since the epoch. */
  now(): number;
  /** Calls `run` every `intervalMs` without keeping the process alive. Returns how to stop it. */
  every(intervalMs: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  every(intervalMs, run) {
    const timer = setInterval(run, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};
