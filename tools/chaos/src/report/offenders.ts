import type { Finding } from '../accounts/findings.ts';
import type { World } from '../world.ts';

const SHOWN = 12;
const HISTORY_LINES = 40;
const AROUND_MS = 6_000;

/** The first findings, each with what its message or its client went through. */
export function describeOffenders(world: World): string[] {
  return world.findings.examples
    .slice(0, SHOWN)
    .flatMap((finding) => [
      `${finding.kind}: ${finding.text} (at ${(finding.ms / 1_000).toFixed(1)} s)`,
      ...shorten(historyOf(world, finding)).map((line) => `    ${line}`),
    ]);
}

function historyOf({ trace, messages }: World, { stream, seq, client, ms }: Finding): string[] {
  if (stream !== undefined && seq !== undefined) return trace.history(stream, seq, concerned());
  return client === undefined ? [] : trace.around(client, ms - AROUND_MS, ms + AROUND_MS, stream);

  /** The publisher and whoever missed it or had it wrongly. */
  function concerned(): Set<number> {
    const publisher = trace.numberOf(messages.streams[stream ?? 0]?.publisher ?? '');
    return new Set([publisher, client].filter((number) => number !== undefined));
  }
}

function shorten(lines: readonly string[]): readonly string[] {
  if (lines.length <= HISTORY_LINES) return lines;
  const half = HISTORY_LINES / 2;
  return [...lines.slice(0, half), `… ${lines.length - HISTORY_LINES} lines …`, ...lines.slice(-half)];
}
