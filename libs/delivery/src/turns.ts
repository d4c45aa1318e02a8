/** Of what is cheap, so many take about a millisecond. */
const AT_ONCE = 100;
/** Between two slices: about half of the time is for everybody else, also when there is always more to do. */
const PAUSE_MS = 1;

/** Does long work in slices. */
export interface Turns {
  /**
   * Calls `visit` for each item until it returns false; the first slice in this call. Of all that is done here one slice is done at a time, with
   * pauses, so that everybody else waits for one slice at most, however much there is to do.
   */
  each<T>(items: Iterable<T>, visit: (item: T) => boolean | void): Promise<void>;
}

export function createTurns(): Turns {
  const waiting: (() => void)[] = [];
  const next = (): void => {
    waiting.shift()!();
    if (waiting.length > 0) setTimeout(next, PAUSE_MS);
  };
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) setTimeout(next, PAUSE_MS);
    });
  return {
    async each(items, visit) {
      let done = 0;
      for (const item of items) {
        if (done === AT_ONCE) {
          await turn();
          done = 0;
        }
        if (visit(item) === false) return;
        done++;
      }
    },
  };
}
