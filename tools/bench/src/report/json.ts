import type { BenchOptions } from '../options.ts';
import { describeMachine, type Machine } from './machine.ts';
import { type Ratios, ratios, type Result, summarize, type Summary } from './summary.ts';
import { REFERENCE } from './table.ts';

export interface Report {
  at: string;
  machine: Machine;
  options: Pick<BenchOptions, 'measureMs' | 'warmupMs' | 'runs' | 'processes'>;
  /** What each broker is, by name. */
  brokers: Readonly<Record<string, string>>;
  results: readonly (Result & { summary: Summary | undefined; toReference: Ratios | undefined })[];
}

/** Everything of one bench: each run, and what the tables show. */
export function createReport(
  startedAt: Date,
  brokers: Readonly<Record<string, string>>,
  { measureMs, warmupMs, runs, processes }: BenchOptions,
  results: readonly Result[],
): Report {
  return {
    at: startedAt.toISOString(),
    machine: describeMachine(),
    options: { measureMs, warmupMs, runs, processes },
    brokers,
    results: results.map((result) => {
      const reference = results.find(
        (other) => other.workload === result.workload && other.broker === REFERENCE,
      );
      const toReference = reference && reference !== result ? ratios(result.runs, reference.runs) : undefined;
      return { ...result, summary: summarize(result.runs), toReference };
    }),
  };
}
