import type { Row, Summary } from './summary.ts';

const HEADER = [
  'killed',
  'kills',
  'ready after, s',
  'service after, s',
  'messages',
  'lost',
  'QoS 1 duplicates',
  'QoS 2 duplicates',
  'out of order',
];

/** A table as Markdown takes it; times are median (worst). */
export function renderTable({ rows, total }: Summary): string {
  const cells = [HEADER, ...[...rows, total].map(cellsOf)];
  const widths = HEADER.map((_name, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(cells[0] ?? []), `| ${rule.join(' | ')} |`, ...cells.slice(1).map(line)].join('\n');
}

function cellsOf(row: Row): string[] {
  const { kind, kills, ready, service } = row;
  const counts = [row.messages, row.lost, row.qos1Duplicates, row.qos2Duplicates, row.outOfOrder];
  return [
    kind,
    String(kills),
    time(ready),
    time(service),
    ...counts.map((count) => count.toLocaleString('en-US')),
  ];
}

function time(spread: Row['ready']): string {
  if (spread === undefined) return '';
  return `${(spread.median / 1_000).toFixed(2)} (${(spread.worst / 1_000).toFixed(2)})`;
}
