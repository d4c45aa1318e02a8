import { accept, refuse, type Result } from '@trivium/contracts';

export interface QueueOptions {
  /** Tasks that run at a time. */
  atOnce: number;
  /** Tasks that wait; more are refused. */
  most: number;
  /** Milliseconds, monotonic. */
  clock: () => number;
  /** Told when the number of those that wait changes. */
  onWaiting: (waiting: number) => void;
}

export interface Queue {
  /** What the task came to, in its turn; `rate.limited` at once when too many wait. Rejects as the task does. */
  run<T>(task: () => Promise<T>): Promise<Result<T>>;
}

const FIRST_GUESS_MS = 50;

/** Tasks that are expensive, some at a time, first come first served. */
export function createQueue({ atOnce, most, clock, onWaiting }: QueueOptions): Queue {
  const waiting: (() => void)[] = [];
  let running = 0;
  /** Milliseconds that a task takes, as of late. */
  let usual = FIRST_GUESS_MS;

  return {
    async run(task) {
      if (running >= atOnce) {
        if (waiting.length >= most)
          return refuse('rate.limited', 'too many sign in at once', Math.ceil((usual * most) / atOnce));
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          onWaiting(waiting.length);
        });
      } else running++;
      const begun = clock();
      try {
        return accept(await task());
      } finally {
        usual += (clock() - begun - usual) / 8;
        // The place goes to the next one, without being free in between.
        const next = waiting.shift();
        if (next === undefined) running--;
        else {
          onWaiting(waiting.length);
          next();
        }
      }
    },
  };
}
