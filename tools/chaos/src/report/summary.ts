import { FINDINGS, type FindingKind } from '../accounts/findings.ts';
import { sentMs } from '../accounts/messages.ts';
import type { ChaosResult } from '../chaos.ts';

/** One kind of kill. */
export interface Row {
  readonly kind: string;
  readonly kills: number;
  /** Milliseconds from the kill until the parts were ready; until publishes were acknowledged again. */
  readonly ready: { readonly median: number; readonly worst: number } | undefined;
  readonly service: { readonly median: number; readonly worst: number } | undefined;
  readonly messages: number;
  readonly lost: number;
  readonly qos1Duplicates: number;
  readonly qos2Duplicates: number;
  readonly outOfOrder: number;
}

export interface Summary {
  readonly seconds: number;
  readonly rows: readonly Row[];
  readonly total: Row;
  readonly findings: Partial<Record<FindingKind, number>>;
  readonly passed: boolean;
  /** Lines on what else there was to see. */
  readonly notes: readonly string[];
}

/** What was in flight when a kill came is put down to it. */
const LEAD_MS = 500;
const NO_KILL = 'before the first';

/** Messages belong to the kill around or before their first PUBLISH, duplicates to that before their arrival. */
export function summarise({ world, kills, tookMs }: ChaosResult): Summary {
  const { messages, trace, findings, tally } = world;
  const kindAt = (ms: number): string => kills.findLast((kill) => kill.ms - LEAD_MS <= ms)?.kind ?? NO_KILL;
  const count = (times: readonly number[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const ms of times) counts.set(kindAt(ms), (counts.get(kindAt(ms)) ?? 0) + 1);
    return counts;
  };
  const sent = count(
    messages.streams.flatMap((one) => one.sentAt.map((_at, index) => sentMs(trace, one, index + 1))),
  );
  const lost = count(findings.timesOf('lost'));
  const qos1 = count(tally.qos1Duplicates);
  const qos2 = count(findings.timesOf('qos 2 duplicate'));
  const order = count(findings.timesOf('out of order'));
  const rowOf = (kind: string): Row => {
    const mine = kills.filter((kill) => kill.kind === kind);
    return {
      ...{ kind, kills: mine.length },
      ready: spread(mine.map(({ readyMs }) => readyMs)),
      service: spread(mine.map(({ serviceMs }) => serviceMs)),
      messages: sent.get(kind) ?? 0,
      lost: lost.get(kind) ?? 0,
      qos1Duplicates: qos1.get(kind) ?? 0,
      qos2Duplicates: qos2.get(kind) ?? 0,
      outOfOrder: order.get(kind) ?? 0,
    };
  };
  const rows = [...new Set([NO_KILL, ...kills.map(({ kind }) => kind)])].map(rowOf);
  const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0);
  return {
    seconds: tookMs / 1_000,
    rows,
    total: {
      ...{ kind: 'all', kills: kills.length },
      ready: spread(kills.map(({ readyMs }) => readyMs)),
      service: spread(kills.map(({ serviceMs }) => serviceMs)),
      messages: sum((row) => row.messages),
      lost: sum((row) => row.lost),
      qos1Duplicates: sum((row) => row.qos1Duplicates),
      qos2Duplicates: sum((row) => row.qos2Duplicates),
      outOfOrder: sum((row) => row.outOfOrder),
    },
    findings: findings.counts(),
    passed: findings.total === 0,
    notes: [
      `${messages.acknowledged} of ${messages.sent} messages acknowledged, ${tally.deliveries} deliveries, ${tally.retainedDeliveries} retained ones to new subscriptions`,
      `${tally.connects} connections; ended: ${[...tally.ends].map(([why, times]) => `${why} ${times}`).join(', ')}`,
      `${tally.takeovers} take-overs, ${tally.freezes} clients that did not read, ${tally.subscribes} SUBSCRIBEs, ${tally.unsubscribes} UNSUBSCRIBEs, ${tally.repeatedExchanges} QoS 2 exchanges taken up again`,
      `${tally.wills} wills, the slowest after ${(tally.slowestWillMs / 1_000).toFixed(1)} s`,
    ],
  };
}

/** For a person, one line a kind. */
export function findingLines({ findings }: Summary): string[] {
  return Object.entries(findings).map(
    ([kind, times]) => `${times} × ${FINDINGS[kind as FindingKind]} (${kind})`,
  );
}

function spread(values: readonly number[]): Row['ready'] {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] as number, worst: sorted.at(-1) as number };
}
