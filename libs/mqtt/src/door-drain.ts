import type { Clock } from '@trivium/clock';
import type { Connection } from './connection.ts';
import { HOLD } from './hold.ts';

/** How often connections are looked at, and so how many close at a time. */
const ROUND_MS = 25;
/** Time that the closing of one connection takes of the spread, so that few go at once. */
const PER_CONNECTION_MS = 2;

export interface DrainRequest {
  signal: AbortSignal;
  graceMs: number;
}

/**
 * Ends every connection: reads nothing more from any, closes each when what its client published is acknowledged, spread over at most
 * half of the grace time so that the clients come back elsewhere one after the other. Past `signal` all close at once.
 */
export function drainConnections(
  connections: ReadonlySet<Connection>,
  { signal, graceMs }: DrainRequest,
  clock: Clock,
): Promise<void> {
  const waiting = new Set(connections);
  for (const connection of waiting) connection.hold(HOLD.drain);
  const spreadMs = Math.min(graceMs / 2, waiting.size * PER_CONNECTION_MS);
  const perRound = Math.max(1, Math.ceil((waiting.size * ROUND_MS) / Math.max(ROUND_MS, spreadMs)));

  return new Promise((resolve) => {
    const round = (): void => {
      let left = signal.aborted ? Infinity : perRound;
      for (const connection of waiting) {
        if (left === 0) break;
        if (connection.openPublishes > 0 && !signal.aborted) continue;
        connection.close('server.draining');
        waiting.delete(connection);
        left--;
      }
      if (connections.size > 0) return;
      stop();
      signal.removeEventListener('abort', round);
      resolve();
    };
    const stop = clock.every(ROUND_MS, round);
    signal.addEventListener('abort', round);
    round();
  });
}
