import type { LoadTarget } from '../generator/plan.ts';
import type { Peer } from './broker.ts';

/** Something that already runs; with the ids of its processes its cost is measured too. */
export function external(target: LoadTarget, pids: readonly number[]): Peer {
  const { publishAt, subscribeAt } = target;
  return {
    name: 'external',
    describe: async () =>
      `publish at ${publishAt.host}:${publishAt.port}, subscribe at ${subscribeAt.host}:${subscribeAt.port}`,
    start: async () => ({
      target,
      pids,
      problem: () => undefined,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  };
}
