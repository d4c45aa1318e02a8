import type { LoadPlan } from './plan.ts';

/** From the runner to a generator process; each is answered by one `Answer`. */
export type Request =
  | { ask: 'plan'; plan: LoadPlan }
  | { ask: 'connect' }
  | { ask: 'start' }
  | { ask: 'mark'; measuring: boolean }
  | { ask: 'finish' }
  | { ask: 'store' }
  | { ask: 'drain' };

export type Answer = { value: unknown } | { error: string };
