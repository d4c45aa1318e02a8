import type { Counts } from '../generator/tally.ts';
import type { Measurement } from '../measurement.ts';
import type { Workload } from '../workload.ts';

export type Run = Measurement | { error: string };

/** All runs of one workload against one broker. */
export interface Result {
  workload: Workload;
  broker: string;
  runs: readonly Run[];
}

export interface Summary {
  /** Of each figure the median over the runs. */
  median: Omit<Measurement, 'counts'>;
  minPerS: number;
  maxPerS: number;
  /** Of each count the worst run. */
  worst: Counts;
  runs: number;
  failedRuns: number;
}

/** Medians over the runs that did not fail; `undefined` when all did. */
export function summarize(runs: readonly Run[]): Summary | undefined {
  const good = runs.filter(isMeasured);
  const [first] = good;
  if (first === undefined) return undefined;
  const { counts, ...figures } = first;
  const median = { ...figures };
  for (const name of Object.keys(figures) as (keyof typeof figures)[]) {
    median[name] = medianOf(good.map((run) => run[name] ?? 0));
  }
  const worst = { ...counts };
  for (const name of Object.keys(counts) as (keyof Counts)[]) {
    worst[name] = Math.max(...good.map((run) => run.counts[name]));
  }
  const rates = good.map(mainRate);
  return {
    median,
    minPerS: Math.min(...rates),
    maxPerS: Math.max(...rates),
    worst,
    runs: good.length,
    failedRuns: runs.length - good.length,
  };
}

export interface Ratios {
  /** Above 1: more messages a second than the other. */
  rate: number;
  /** Below 1: less CPU time a message than the other. */
  cpu: number | undefined;
  p99: number;
}

/** Medians of the ratios of run 1 to run 1, 2 to 2, …: each pair ran side by side. */
export function ratios(runs: readonly Run[], toRuns: readonly Run[]): Ratios | undefined {
  const pairs = runs.flatMap((run, i) => {
    const other = toRuns[i];
    return other !== undefined && isMeasured(run) && isMeasured(other) ? [[run, other] as const] : [];
  });
  if (pairs.length === 0) return undefined;
  const cpu = pairs.flatMap(([run, other]) =>
    run.cpuPerMillion && other.cpuPerMillion ? [run.cpuPerMillion / other.cpuPerMillion] : [],
  );
  return {
    rate: medianOf(pairs.map(([run, other]) => mainRate(run) / mainRate(other))),
    cpu: cpu.length > 0 ? medianOf(cpu) : undefined,
    p99: medianOf(pairs.map(([run, other]) => run.p99Ms / other.p99Ms)),
  };
}

export function isMeasured(run: Run): run is Measurement {
  return !('error' in run);
}

/** Deliveries a second: what is compared. */
export function mainRate(run: Measurement): number {
  return run.deliveredPerS;
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
