/** The first sample of a metric in an OpenMetrics text, whatever its labels; `undefined` when there is none. */
export function readMetric(text: string, name: string): number | undefined {
  for (const line of text.split('\n')) {
    if (!line.startsWith(name)) continue;
    const match = /^(?:\{.*\})? (\S+)/.exec(line.slice(name.length));
    if (match !== null) return Number(match[1]);
  }
  return undefined;
}
