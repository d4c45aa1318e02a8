import { accept, refuse, type Result } from '@trivium/contracts';

/** Waits, with many others if need be; `rate.limited` at once when too many wait. */
export type Pause = (ms: number) => Promise<Result<void>>;

export function createPause(most: number): Pause {
  let waiting = 0;
  return async (ms) => {
    if (waiting >= most) return refuse('rate.limited', 'too many failed sign-ins; try again later', ms);
    waiting++;
    await new Promise((resolve) => setTimeout(resolve, ms).unref());
    waiting--;
    return accept(undefined);
  };
}
