/**
 * `window`: closed loop, a publisher stops while `window` of its messages are not received by all their
 * subscribers. `rate`: messages leave on a clock, whatever comes back. `offline`: subscribers with a persistent
 * session are away while `count` messages are published, then come back and are sent them.
 */
export type LoadMode = 'window' | 'rate' | 'offline';

/** `own`: publisher i has its topic, subscriber j takes that of publisher j mod pubs. `wild`: each takes all. */
export type Pattern = 'own' | 'wild';

export interface Workload {
  id: string;
  title: string;
  mode: LoadMode;
  qos: 0 | 1;
  pubs: number;
  subs: number;
  pattern: Pattern;
  /** Unreceived messages per publisher; with QoS 1 also the unacknowledged ones. */
  window: number;
  payloadBytes: number;
  /** Messages a second, all publishers together; `rate` mode. */
  rate?: number;
  /** Messages in all; without it a run is timed. */
  count?: number;
  /** Part of a run without `--only`. */
  standard: boolean;
}

const base = { mode: 'window', pattern: 'own', payloadBytes: 64, standard: true } as const;
const pairs = { ...base, pubs: 50, subs: 50, window: 100 } as const;
const fanIn = { ...base, pubs: 100, subs: 1, pattern: 'wild', window: 50 } as const;
const single = { ...base, pubs: 500, subs: 500, window: 1 } as const;

export const WORKLOADS: readonly Workload[] = [
  { ...base, id: 'W1', title: 'QoS 0, 1 → 1', qos: 0, pubs: 1, subs: 1, window: 1_000 },
  { ...pairs, id: 'W2', title: 'QoS 0, 50 → 50 pairs', qos: 0 },
  { ...base, id: 'W3', title: 'QoS 0, fan-out 1 → 100', qos: 0, pubs: 1, subs: 100, window: 50 },
  { ...fanIn, id: 'W4', title: 'QoS 0, fan-in 100 → 1', qos: 0 },
  { ...pairs, id: 'W5', title: 'QoS 1, 50 → 50 pairs', qos: 1 },
  { ...fanIn, id: 'W6', title: 'QoS 1, fan-in 100 → 1', qos: 1 },
  { ...pairs, id: 'W7a', title: 'QoS 0, 2,000 msg/s, 50 → 50', qos: 0, mode: 'rate', rate: 2_000 },
  { ...pairs, id: 'W7b', title: 'QoS 1, 2,000 msg/s, 50 → 50', qos: 1, mode: 'rate', rate: 2_000 },
  {
    ...{ ...base, id: 'W9', title: 'QoS 1, 10,000 queued offline, then drained', qos: 1, pubs: 1, subs: 1 },
    ...{ window: 1_000, mode: 'offline', count: 10_000, standard: false },
  },
  { ...pairs, id: 'W10', title: 'QoS 0, 50 → 50 pairs, 1 KiB', qos: 0, payloadBytes: 1_024, standard: false },
  {
    ...{ ...pairs, id: 'W11', title: 'QoS 0, 20,000 msg/s, 50 → 50', qos: 0 },
    ...{ mode: 'rate', rate: 20_000, standard: false },
  },
  { ...single, id: 'W12', title: 'QoS 0, 500 → 500, one in flight each', qos: 0 },
  {
    ...fanIn,
    id: 'W13',
    title: 'QoS 1, fan-in 500 → 1, one in flight each',
    qos: 1,
    pubs: 500,
    window: 1,
    standard: false,
  },
  { ...base, id: 'W14', title: 'QoS 1, 1 → 1', qos: 1, pubs: 1, subs: 1, window: 1_000 },
  { ...base, id: 'W15', title: 'QoS 1, fan-out 1 → 100', qos: 1, pubs: 1, subs: 100, window: 50 },
  { ...single, id: 'W16', title: 'QoS 1, 500 → 500, one in flight each', qos: 1 },
];

/** The workloads of `W2,W5`; `W7` stands for `W7a` and `W7b`. Throws for a name that fits none. */
export function selectWorkloads(only: readonly string[] | undefined): Workload[] {
  if (only === undefined) return WORKLOADS.filter((workload) => workload.standard);
  const chosen = new Set<Workload>();
  for (const name of only) {
    const wanted = name.toUpperCase();
    const fitting = WORKLOADS.filter(({ id }) =>
      [id.toUpperCase(), id.replace(/[a-z]$/, '')].includes(wanted),
    );
    if (fitting.length === 0)
      throw new Error(`no workload "${name}": ${WORKLOADS.map(({ id }) => id).join(', ')}`);
    for (const workload of fitting) chosen.add(workload);
  }
  return [...chosen];
}
