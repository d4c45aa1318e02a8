/** Time, as a parameter. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Calls `run` every `intervalMs` without keeping the process alive. Returns how to stop it. */
  every(intervalMs: number, run: () => void): () => void;
}
