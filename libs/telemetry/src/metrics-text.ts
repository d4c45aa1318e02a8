export type MetricsFormat = 'openmetrics' | 'prometheus';

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
export const OPEN_METRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** What the OpenTelemetry serializer wrote (Prometheus 0.0.4) in the format asked for. */
export function formatMetrics(serialized: string, format: MetricsFormat): string {
  return format === 'openmetrics' ? toOpenMetrics(serialized) : `${serialized.trimEnd()}\n`;
}

/**
 * OpenMetrics 1.0: the family of a counter is named without `_total`, there are no blank lines, and the text ends with
 * `# EOF`. Units are left out, for there they would have to be part of each name.
 */
function toOpenMetrics(serialized: string): string {
  const counters = new Set(
    Array.from(serialized.matchAll(/^# TYPE (\S+_total) counter$/gm), (match) => match[1]),
  );
  const lines: string[] = [];
  for (const line of serialized.split('\n')) {
    const meta = /^# (HELP|TYPE) (\S+)(.*)$/.exec(line);
    if (meta === null) {
      if (line !== '' && !line.startsWith('#')) lines.push(line);
      continue;
    }
    const [, keyword, name = '', rest] = meta;
    lines.push(`# ${keyword} ${counters.has(name) ? name.slice(0, -'_total'.length) : name}${rest}`);
  }
  return [...lines, '# EOF', ''].join('\n');
}
