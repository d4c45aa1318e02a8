/** Time as a parameter: leases, back-off and time stamps ask it and nothing else. All times in milliseconds. */
export interface Clock {
  /** Never goes back and never jumps with the wall clock; only differences mean something. */
  monotonicMs(): number;
  /** Since 1970, as people read it. */
  wallMs(): number;
  /** Calls `fn` once, `ms` from now. Returns the canceller. */
  after(ms: number, fn: () => void): () => void;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};
