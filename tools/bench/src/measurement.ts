import type { Counts } from './generator/tally.ts';
import type { LoadReport } from './generator/run-load.ts';
import type { Usage } from './usage.ts';

/** One run of one workload against one broker. */
export interface Measurement {
  secs: number;
  sentPerS: number;
  deliveredPerS: number;
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
  maxMs: number;
  sendLagP99Ms: number;
  /** CPU seconds of all processes of the broker for a million deliveries. */
  cpuPerMillion?: number;
  /** Cores that the broker used. */
  brokerCores?: number;
  rssMiB?: number;
  /** Cores that neither the broker nor the generator used: says how far to trust the run. */
  otherCores?: number;
  generatorCores: number;
  generatorProcesses: number;
  counts: Counts;
  storedPerS?: number;
  firstMs?: number;
  sessionsPresent?: number;
}

const MEBI = 1024 * 1024;

export function measurement(report: LoadReport<Usage | undefined>): Measurement {
  const { before, after, secs, delivered, latencyMs, offline } = report;
  return {
    secs,
    sentPerS: report.sentPerS,
    deliveredPerS: report.deliveredPerS,
    p50Ms: latencyMs.p50,
    p99Ms: latencyMs.p99,
    p999Ms: latencyMs.p999,
    maxMs: latencyMs.max,
    sendLagP99Ms: report.sendLagP99Ms,
    generatorCores: report.generatorCores,
    generatorProcesses: report.processes,
    counts: report.counts,
    ...(before && after ? cost(before, after, secs, delivered, report.generatorCores) : {}),
    ...offline,
  };
}

function cost(before: Usage, after: Usage, secs: number, delivered: number, generatorCores: number) {
  const cpuS = after.cpuS - before.cpuS;
  return {
    cpuPerMillion: delivered > 0 ? (cpuS / delivered) * 1e6 : 0,
    brokerCores: cpuS / secs,
    rssMiB: after.rssBytes / MEBI,
    otherCores: (after.machineCpuS - before.machineCpuS - cpuS) / secs - generatorCores,
  };
}
