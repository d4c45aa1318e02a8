export type MetricsFormat = 'openmetrics' | 'prometheus';

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
export const OPEN_METRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/**
 * OpenMetrics 1.0 from Prometheus text 0.0.4 as the OpenTelemetry serializer writes it: the family of a counter is named
 * without `_total`, there are no blank lines, and the text ends with `# EOF`. Units are left out, for they would have to
 * be part of each name.
 */
export function toOpenMetrics(prometheus: string): string {
  const lines: string[] = [];
  const counters = new Set<string>();
  for (const line of prometheus.split('\n')) {
    const type = /^# TYPE (\S+)_total counter$/.exec(line);
    if (type !== null) counters.add(`${type[1]}_total`);
  }
  for (const line of prometheus.split('\n')) {
    if (line === '' || line.startsWith('# UNIT ')) continue;
    const meta = /^# (HELP|TYPE) (\S+)(.*)$/.exec(line);
    if (meta === null) {
      if (!line.startsWith('#')) lines.push(line);
      continue;
    }
    const [, keyword, name = '', rest] = meta;
    lines.push(`# ${keyword} ${counters.has(name) ? name.slice(0, -'_total'.length) : name}${rest}`);
  }
  return `${lines.join('\n')}\n# EOF\n`.replace(/^\n/, '');
}
