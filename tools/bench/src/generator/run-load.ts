import { setTimeout as sleep } from 'node:timers/promises';
import type { Workload } from '../workload.ts';
import { type GeneratorProcess, startGeneratorProcess } from './generator-process.ts';
import { Histogram } from './histogram.ts';
import type { Mark } from './load.ts';
import { type LoadTarget, planLoad } from './plan.ts';
import type { Counts, LoadResult } from './tally.ts';

export interface RunLoadOptions<Usage> {
  workload: Workload;
  target: LoadTarget;
  /** Generator processes; fewer when the workload cannot be divided so far. */
  processes: number;
  warmupMs: number;
  measureMs: number;
  /** Called at the beginning and at the end of the time that is measured. */
  sample: () => Promise<Usage>;
  settleMs?: number;
  stallMs?: number;
  drainMs?: number;
}

export interface LoadReport<Usage> {
  /** Measured time; with a count, from the first message to the last delivery. */
  secs: number;
  sentPerS: number;
  deliveredPerS: number;
  /** Deliveries in the measured time. */
  delivered: number;
  latencyMs: { p50: number; p99: number; p999: number; max: number };
  /** Fixed rate: how late messages were sent. */
  sendLagP99Ms: number;
  /** Over the whole run, the warm-up and the end included. */
  counts: Counts;
  processes: number;
  /** Cores used by the generator, all its processes together. */
  generatorCores: number;
  before: Usage;
  after: Usage;
  offline?: { storedPerS: number; firstMs: number; sessionsPresent: number };
}

/** One run of a workload. Rejects when connections are refused or a generator process fails. */
export async function runLoad<Usage>(options: RunLoadOptions<Usage>): Promise<LoadReport<Usage>> {
  const prefix = `b${Math.random().toString(36).slice(2, 8)}`;
  const plans = planLoad(options.workload, options.target, { ...options, prefix });
  await using stack = new AsyncDisposableStack();
  const processes = await Promise.all(
    plans.map(async (plan) => stack.use(await startGeneratorProcess(plan))),
  );
  await each(processes, (process) => process.connect());
  await sleep(options.settleMs ?? 300);
  const run = options.workload.mode === 'offline' ? runOffline : runTimed;
  return await run(processes, options);
}

async function runTimed<Usage>(
  processes: readonly GeneratorProcess[],
  options: RunLoadOptions<Usage>,
): Promise<LoadReport<Usage>> {
  const counted = options.workload.count !== undefined;
  const [before, marksBefore] = counted
    ? await begin(processes, options)
    : await beginAfterWarmup(processes, options);
  if (!counted) await sleep(options.measureMs);
  const early = counted ? await each(processes, (process) => process.finish()) : undefined;
  const [after, marksAfter] = await Promise.all([
    options.sample(),
    each(processes, (process) => process.mark(false)),
  ]);
  const results = early ?? (await each(processes, (process) => process.finish()));
  return { ...merge(marksBefore, marksAfter, results), before, after };
}

async function begin<Usage>(processes: readonly GeneratorProcess[], { sample }: RunLoadOptions<Usage>) {
  const began = await Promise.all([sample(), each(processes, (process) => process.mark(true))]);
  await each(processes, (process) => process.start());
  return began;
}

async function beginAfterWarmup<Usage>(
  processes: readonly GeneratorProcess[],
  options: RunLoadOptions<Usage>,
) {
  await each(processes, (process) => process.start());
  await sleep(options.warmupMs);
  return Promise.all([options.sample(), each(processes, (process) => process.mark(true))]);
}

async function runOffline<Usage>(
  processes: readonly GeneratorProcess[],
  { sample }: RunLoadOptions<Usage>,
): Promise<LoadReport<Usage>> {
  const stored = await each(processes, (process) => process.store());
  const [before, marksBefore] = await Promise.all([
    sample(),
    each(processes, (process) => process.mark(true)),
  ]);
  const drained = await each(processes, (process) => process.drain());
  const [after, marksAfter] = await Promise.all([
    sample(),
    each(processes, (process) => process.mark(false)),
  ]);
  const report = merge(marksBefore, marksAfter, drained);
  const secs = Math.max(...drained.map(({ drainMs }) => drainMs)) / 1_000;
  return {
    ...report,
    secs,
    deliveredPerS: report.delivered / secs,
    offline: {
      storedPerS: sum(stored, ({ acknowledged, storeMs }) => (acknowledged / storeMs) * 1_000),
      firstMs: Math.min(...drained.map(({ firstMs }) => firstMs)),
      sessionsPresent: sum(drained, ({ sessionsPresent }) => sessionsPresent),
    },
    before,
    after,
  };
}

function merge(before: readonly Mark[], after: readonly Mark[], results: readonly LoadResult[]) {
  const spans = before.map((mark, i) => {
    const end = after[i] as Mark;
    return {
      secs: (end.atMs - mark.atMs) / 1_000,
      sent: end.sent - mark.sent,
      delivered: end.delivered - mark.delivered,
      cpuS: (end.cpuMs - mark.cpuMs) / 1_000,
    };
  });
  const latency = new Histogram();
  const lag = new Histogram();
  for (const result of results) {
    latency.merge(result.latency);
    lag.merge(result.lag);
  }
  return {
    secs: Math.max(...spans.map(({ secs }) => secs)),
    // Each process has its own span: rates are added, not counts.
    sentPerS: sum(spans, ({ sent, secs }) => sent / secs),
    deliveredPerS: sum(spans, ({ delivered, secs }) => delivered / secs),
    delivered: sum(spans, ({ delivered }) => delivered),
    latencyMs: {
      p50: latency.quantile(0.5),
      p99: latency.quantile(0.99),
      p999: latency.quantile(0.999),
      max: latency.maxMs,
    },
    sendLagP99Ms: lag.quantile(0.99),
    counts: addCounts(results.map(({ counts }) => counts)),
    processes: results.length,
    generatorCores: sum(spans, ({ cpuS, secs }) => cpuS / secs),
  };
}

function addCounts(all: readonly Counts[]): Counts {
  const total = { ...(all[0] as Counts) };
  for (const name of Object.keys(total) as (keyof Counts)[]) total[name] = sum(all, (counts) => counts[name]);
  return total;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function each<T>(
  processes: readonly GeneratorProcess[],
  ask: (process: GeneratorProcess) => Promise<T>,
): Promise<T[]> {
  return Promise.all(processes.map(ask));
}
