/** A terminal's Ctrl-C reaches the launcher from the terminal and again from npm, within this time. */
const SAME_PRESS_MS = 500;

export interface StopSignals {
  /** The first request. */
  stop(signal: NodeJS.Signals): void;
  /** A later one: somebody does not want to wait. */
  force(): void;
}

/** Tells requests to stop from repeated ones. Returns the handler of signals; `now` in milliseconds. */
export function createStopSignals(
  { stop, force }: StopSignals,
  now: () => number,
): (signal: NodeJS.Signals) => void {
  let firstAt: number | undefined;
  return (signal) => {
    if (firstAt === undefined) {
      firstAt = now();
      stop(signal);
    } else if (now() - firstAt > SAME_PRESS_MS) force();
  };
}
