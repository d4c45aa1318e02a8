import type { Result } from './summary.ts';
import { isMeasured, ratios } from './summary.ts';
import { REFERENCE } from './table.ts';

const HUB = 'hub';
const TARGET = { workload: 'W2', rate: 2 };

/** One line on the hub's first target; `undefined` when this run does not tell. */
export function targetLine(results: readonly Result[]): string | undefined {
  const of = (broker: string) =>
    results.find((result) => result.broker === broker && result.workload.id === TARGET.workload);
  const [mine, reference] = [of(HUB), of(REFERENCE)];
  const compared = mine && reference && ratios(mine.runs, reference.runs);
  if (compared === undefined) return undefined;
  const verdict = compared.rate >= TARGET.rate ? 'reached' : 'not reached';
  return `target ${TARGET.workload}, ${TARGET.rate} × ${REFERENCE}: ${compared.rate.toFixed(2)} × (${verdict})`;
}

/** What makes the exit status 1. */
export function failures(results: readonly Result[]): string[] {
  return results.flatMap(({ workload, broker, runs }) =>
    runs.flatMap((run) => {
      const where = `${workload.id} ${broker}`;
      if (!isMeasured(run)) return [`${where}: ${run.error}`];
      if (!broker.startsWith(HUB)) return [];
      const { lost, duplicates, misrouted, malformed } = run.counts;
      if (lost + duplicates + misrouted + malformed === 0) return [];
      return [
        `${where}: lost ${lost}, repeated ${duplicates}, misrouted ${misrouted}, malformed ${malformed}`,
      ];
    }),
  );
}
