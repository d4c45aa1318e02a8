import type { Workload } from '../workload.ts';
import { type Result, ratios, summarize, type Summary } from './summary.ts';

/** The broker that the others are compared with. */
export const REFERENCE = 'mosquitto';

/** A table per workload, as text; × is the ratio to the reference, the median of the paired runs. */
export function renderTables(results: readonly Result[]): string {
  const workloads = [...new Map(results.map(({ workload }) => [workload.id, workload])).values()];
  return workloads
    .map((workload) => {
      const mine = results.filter((result) => result.workload.id === workload.id);
      const reference = mine.find(({ broker }) => broker === REFERENCE);
      const header = [
        '',
        `${unit(workload)}/s`,
        'min … max',
        `× ${REFERENCE}`,
        'CPU s/M',
        `× ${REFERENCE}`,
        ...LATENCY,
        'RSS MiB',
        'cores',
        'notes',
      ];
      const rows = [header, ...mine.map((result) => cells(result, reference))];
      return `${workload.id}: ${workload.title}\n${align(rows)}`;
    })
    .join('\n\n');
}

const LATENCY = ['p50 ms', 'p99 ms', 'p99.9 ms'];

function cells(result: Result, reference: Result | undefined): string[] {
  const summary = summarize(result.runs);
  if (summary === undefined) {
    const [run] = result.runs;
    return [
      result.broker,
      'failed',
      '',
      '',
      '',
      '',
      '',
      '',
      '',
      '',
      '',
      run && 'error' in run ? firstLine(run.error) : '',
    ];
  }
  const { median } = summary;
  const compared = reference && reference !== result ? ratios(result.runs, reference.runs) : undefined;
  return [
    result.broker,
    whole(median.deliveredPerS),
    `${whole(summary.minPerS)} … ${whole(summary.maxPerS)}`,
    compared ? compared.rate.toFixed(2) : '',
    median.cpuPerMillion?.toFixed(2) ?? '',
    compared?.cpu?.toFixed(2) ?? '',
    ...[median.p50Ms, median.p99Ms, median.p999Ms].map((ms) => ms.toFixed(2)),
    median.rssMiB === undefined ? '' : whole(median.rssMiB),
    median.brokerCores?.toFixed(2) ?? '',
    notes(summary).join(', '),
  ];
}

/** What a reader must know before believing the row. */
export function notes({ median, worst, failedRuns }: Summary): string[] {
  const counted = (
    ['lost', 'duplicates', 'reordered', 'misrouted', 'malformed', 'stalls', 'lostConnections'] as const
  )
    .filter((name) => worst[name] > 0)
    .map((name) => `${name} ${whole(worst[name])}`);
  return [
    ...(failedRuns > 0 ? [`${failedRuns} failed`] : []),
    ...counted,
    ...(median.storedPerS === undefined ? [] : [`stored ${whole(median.storedPerS)}/s`]),
    ...(median.generatorCores > 0.95 * median.generatorProcesses ? ['generator full'] : []),
    ...((median.otherCores ?? 0) > 0.4 ? [`others used ${median.otherCores?.toFixed(1)} cores`] : []),
  ];
}

function unit(workload: Workload): string {
  return workload.subs > workload.pubs ? 'deliveries' : 'messages';
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** Names and notes to the left, figures to the right. */
function align(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => row[i]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          i === 0 || i === columns - 1 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `  ${line}`)
    .join('\n');
}
