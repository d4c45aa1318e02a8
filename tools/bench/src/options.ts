import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { LoadTarget } from './generator/plan.ts';
import { selectWorkloads, type Workload, WORKLOADS } from './workload.ts';

export const PEER_NAMES = ['hub', 'hub5', 'hub-guarded', 'mosquitto', 'nats', 'external'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

export interface BenchOptions {
  workloads: readonly Workload[];
  peers: readonly PeerName[];
  /** Named by the user: one that is not there is then an error. */
  peersAreNamed: boolean;
  measureMs: number;
  warmupMs: number;
  runs: number;
  processes: number;
  external: { target: LoadTarget; pids: readonly number[] } | undefined;
  out: string | undefined;
  json: boolean;
}

export type ParsedOptions =
  { kind: 'run'; options: BenchOptions } | { kind: 'help' } | { kind: 'invalid'; message: string };

const FULL = { secs: 3, warmup: 1, runs: 3 };
const QUICK = { secs: 1, warmup: 0.5, runs: 1 };

export function parseOptions(args: readonly string[]): ParsedOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        peers: { type: 'string' },
        secs: { type: 'string' },
        warmup: { type: 'string' },
        runs: { type: 'string' },
        processes: { type: 'string' },
        external: { type: 'string' },
        pids: { type: 'string' },
        out: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    const defaults = values.quick ? QUICK : FULL;
    const target = values.external === undefined ? undefined : parseTarget(values.external);
    return {
      kind: 'run',
      options: {
        workloads: selectWorkloads(values.only?.split(',')),
        peers: parsePeers(values.peers, target !== undefined),
        peersAreNamed: values.peers !== undefined || target !== undefined,
        measureMs: positive('--secs', values.secs, defaults.secs) * 1_000,
        warmupMs: positive('--warmup', values.warmup, defaults.warmup) * 1_000,
        runs: Math.ceil(positive('--runs', values.runs, defaults.runs)),
        processes: Math.ceil(positive('--processes', values.processes, defaultProcesses())),
        external: target && {
          target,
          pids: (values.pids?.split(',') ?? []).map((pid) => positive('--pids', pid, 0)),
        },
        out: values.out,
        json: values.json,
      },
    };
  } catch (error) {
    return { kind: 'invalid', message: error instanceof Error ? error.message : String(error) };
  }
}

/** Half the cores for the generator, and never only one process: one alone is full where nothing can be batched. */
function defaultProcesses(): number {
  return Math.max(2, availableParallelism() >> 1);
}

function parsePeers(value: string | undefined, hasExternal: boolean): PeerName[] {
  if (value === undefined) return hasExternal ? ['external'] : ['hub', 'mosquitto', 'nats'];
  const names = value.split(',');
  for (const name of names) {
    if (!isPeerName(name)) throw new Error(`no peer "${name}": ${PEER_NAMES.join(', ')}`);
    if (name === 'external' && !hasExternal)
      throw new Error('the peer "external" needs --external host:port');
  }
  return names.filter(isPeerName);
}

function isPeerName(name: string): name is PeerName {
  return (PEER_NAMES as readonly string[]).includes(name);
}

function parseTarget(value: string): LoadTarget {
  const [publish = '', subscribe = publish] = value.split(',');
  return { publishAt: parseAddress(publish), subscribeAt: parseAddress(subscribe) };
}

function parseAddress(value: string) {
  const match = /^(.+):(\d+)$/.exec(value);
  if (!match?.[1] || !match[2]) throw new Error(`--external wants host:port, not "${value}"`);
  return { host: match[1].replace(/^\[(.*)\]$/, '$1'), port: Number(match[2]) };
}

function positive(name: string, value: string | undefined, otherwise: number): number {
  const number = value === undefined ? otherwise : Number(value);
  if (!(number > 0) || !Number.isFinite(number))
    throw new Error(`${name} wants a number above 0, not "${value}"`);
  return number;
}

export const HELP = `npm run bench -- [options]      the hub against other brokers, in one run
npm run bench -- reconnect --help  persistent sessions that come back all at once
npm run bench -- commands --help   HTTP calls that devices answer by MQTT

  --quick             1 run of 1 s each instead of 3 of 3 s
  --only W2,W5        these workloads (W7: W7a and W7b)
  --peers a,b         of hub, hub5 (the same with MQTT 5), hub-guarded (with a policy and keys at NATS), mosquitto,
                      nats, external (default: hub, mosquitto, nats)
  --secs S            measured seconds of a run
  --warmup S          seconds before them
  --runs N            runs of each workload and broker, taken in turn; medians are shown
  --processes N       generator processes (default: half the cores, at least 2)
  --external H:P      measure what listens there; H:P,H:P to publish at one and subscribe at the other
  --pids N,N          its processes, so that CPU and memory are measured too
  --out FILE          where the JSON goes (default: .trivium/bench/<time>.json)
  --json              JSON to standard output instead of tables; progress goes to standard error
  --help

Workloads (* only when asked for by name):
${WORKLOADS.map(({ id, title, standard }) => `  ${`${id}${standard ? '' : ' *'}`.padEnd(8)}${title}`).join('\n')}

Exit status: 0 all ran; 1 a run failed, or the hub lost, repeated or misrouted a message; 2 wrong usage.
`;
