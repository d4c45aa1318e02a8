import type { Reconnect, Round } from './measure.ts';
import type { ReconnectOptions } from './reconnect-options.ts';

/** What 2,000 sessions with 100 missed messages each may take on two cores. */
export const LIMIT_SECS: Readonly<Record<Round['index'], number>> = { level: 4, lost: 15 };
/** The log has one for each door, each router and what they are doing: never one for a session. */
const MOST_CONSUMERS = 32;

export function roundLine(round: Round): string {
  const { index, secs, connectedSecs, firstSecs, sessionP50Secs, span, answered, cpuS } = round;
  const limit = LIMIT_SECS[index];
  const verdict = secs <= limit ? 'within' : 'above';
  const cpu = Object.entries(cpuS).map(([name, value]) => `${name} ${value.toFixed(1)}`);
  return [
    `index ${index}: served in ${secs.toFixed(2)} s (${verdict} the limit of ${limit} s)`,
    `last CONNACK after ${connectedSecs.toFixed(2)} s, first message after ${firstSecs.toFixed(2)} s`,
    `a session took ${sessionP50Secs.toFixed(2)} s (median)`,
    `${span.toLocaleString('en-US')} messages since the cursors`,
    `the index answered ${answered} times`,
    `CPU s: ${cpu.join(', ')}`,
  ].join('; ');
}

export function costLine({ cost }: Reconnect, { sessions }: Pick<ReconnectOptions, 'sessions'>): string {
  const { consumers, records, bytesPerRecord } = cost;
  return (
    `${sessions} sessions away: ${consumers} consumers on the log, ${records} records of ` +
    `${Math.round(bytesPerRecord)} bytes`
  );
}

/** What makes the exit status 1. */
export function reconnectFailures(
  { cost, rounds }: Reconnect,
  { sessions, reconnecting }: Pick<ReconnectOptions, 'sessions' | 'reconnecting'>,
): string[] {
  const failures: string[] = [];
  if (cost.consumers > MOST_CONSUMERS)
    failures.push(`the log has ${cost.consumers} consumers, for ${sessions} sessions`);
  if (cost.records < sessions || cost.records > sessions * 1.05 + MOST_CONSUMERS)
    failures.push(`${sessions} sessions have ${cost.records} records`);
  for (const { index, counts, sessionsPresent, lostConnections } of rounds) {
    const { lost, repeated, reordered, overdue, misrouted, malformed } = counts;
    if (lost + repeated + reordered + overdue + misrouted + malformed > 0)
      failures.push(
        `index ${index}: lost ${lost}, repeated ${repeated}, out of order ${reordered}, ` +
          `of the round before ${overdue}, misrouted ${misrouted}, malformed ${malformed}`,
      );
    if (sessionsPresent !== reconnecting)
      failures.push(`index ${index}: ${sessionsPresent} of ${reconnecting} sessions were present`);
    if (lostConnections > 0) failures.push(`index ${index}: ${lostConnections} connections were cut`);
  }
  return failures;
}
