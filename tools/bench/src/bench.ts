import type { Broker, Peer } from './brokers/broker.ts';
import { runLoad } from './generator/run-load.ts';
import { type Measurement, measurement } from './measurement.ts';
import type { BenchOptions } from './options.ts';
import type { Result, Run } from './report/summary.ts';
import { readUsage } from './usage.ts';
import type { Workload } from './workload.ts';

export interface BenchDependencies {
  peers: readonly Peer[];
  options: Pick<BenchOptions, 'workloads' | 'runs' | 'measureMs' | 'warmupMs' | 'processes'>;
  progress: (line: string) => void;
  /** No further run begins once it is aborted. */
  signal: AbortSignal;
}

/**
 * Runs every workload against every peer, the peers in turn within each run, so that what disturbs the machine
 * disturbs them alike. All brokers stay up for the whole time. A run that fails is a result, not an exception.
 */
export async function bench({ peers, options, progress, signal }: BenchDependencies): Promise<Result[]> {
  await using brokers = new BrokerPool(progress);
  const total = options.workloads.length * options.runs * peers.length;
  const results: Result[] = [];
  let done = 0;
  for (const workload of options.workloads) {
    const runs = new Map<Peer, Run[]>(peers.map((peer) => [peer, []]));
    for (let n = 1; n <= options.runs; n++) {
      for (const [peer, list] of runs) {
        if (signal.aborted) return results;
        const run = await runOne(workload, peer, brokers, options);
        list.push(run);
        progress(
          `[${++done}/${total}] ${workload.id} run ${n}/${options.runs} ${peer.name}: ${describe(run)}`,
        );
      }
    }
    for (const [peer, list] of runs) results.push({ workload, broker: peer.name, runs: list });
  }
  return results;
}

async function runOne(
  workload: Workload,
  peer: Peer,
  brokers: BrokerPool,
  { measureMs, warmupMs, processes }: BenchDependencies['options'],
): Promise<Run> {
  try {
    const { target, pids } = await brokers.get(peer);
    const sample = () => readUsage(pids);
    return measurement(await runLoad({ workload, target, processes, warmupMs, measureMs, sample }));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const problem = brokers.problem(peer);
    return { error: problem === undefined ? message : `${message}\n${problem}` };
  }
}

function describe(run: Run): string {
  return 'error' in run ? `failed: ${run.error}` : figures(run);
}

function figures({ deliveredPerS, cpuPerMillion, p50Ms, p99Ms }: Measurement): string {
  const cpu = cpuPerMillion === undefined ? '' : `, ${cpuPerMillion.toFixed(1)} CPU s/M`;
  return `${Math.round(deliveredPerS).toLocaleString('en-US')}/s${cpu}, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
}

/** Brokers are started when first needed, and again when they have died. */
class BrokerPool implements AsyncDisposable {
  readonly #brokers = new Map<Peer, Broker>();
  readonly #progress: (line: string) => void;

  constructor(progress: (line: string) => void) {
    this.#progress = progress;
  }

  async get(peer: Peer): Promise<Broker> {
    const running = this.#brokers.get(peer);
    if (running !== undefined && running.problem() === undefined) return running;
    this.#brokers.delete(peer);
    await running?.[Symbol.asyncDispose]();
    this.#progress(`starting ${peer.name}: ${await peer.describe()}`);
    const started = await peer.start();
    this.#brokers.set(peer, started);
    return started;
  }

  problem(peer: Peer): string | undefined {
    return this.#brokers.get(peer)?.problem();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#brokers.values()].map((broker) => broker[Symbol.asyncDispose]()));
  }
}
