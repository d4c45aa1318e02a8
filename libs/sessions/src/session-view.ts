import { SHARE_PREFIX, type SessionRecord } from '@trivium/contracts';
import { endsWithConnection } from './settlement.ts';

/** A filter that brings messages of the log: those above `from` (rule 2). */
export interface LogFilter {
  readonly filter: string;
  readonly from: number;
}

/** A persistent session whose client is away, as the position index needs it. */
export interface Sleep {
  /** Last log position considered for the client. */
  readonly cursor: number;
  readonly filters: readonly LogFilter[];
}

/** What a router remembers of a session's record. */
export interface SessionView {
  readonly client: string;
  readonly revision: number;
  readonly epoch: number;
  /** Incarnation of the door that serves the client; none: the client is away. */
  readonly door: string | undefined;
  /** At that door. */
  readonly connection: string | undefined;
  readonly connectedAt: number;
  /** Somebody has still to publish a will of a former connection, or to delete the session: if it has no door, a router. */
  readonly unfinished: boolean;
  /** But not before, milliseconds since the epoch: its wills wait. */
  readonly waitsUntilMs: number | undefined;
  /** Set while the client is away. */
  readonly sleep: Sleep | undefined;
  /** Its shared subscriptions, as `shareName` writes them. Those of a clean session are not in its record. */
  readonly shares: readonly string[];
  /** When this revision was seen to be written, by the router's monotonic clock; -Infinity: it was there before. */
  readonly seenMs: number;
}

export function viewSession(
  client: string,
  record: SessionRecord,
  revision: number,
  seenMs: number,
): SessionView {
  const { epoch, door, connection, connectedAt, due } = record;
  const ends = endsWithConnection(record);
  return {
    client,
    revision,
    epoch,
    door,
    connection,
    connectedAt,
    unfinished: ends || (due !== undefined && due.length > 0),
    waitsUntilMs:
      due?.every(({ at }) => at !== undefined) === true
        ? Math.min(...due.map(({ at = 0 }) => at))
        : undefined,
    sleep:
      door === undefined && !ends
        ? { cursor: record.pos, filters: logFilters(record.subscriptions) }
        : undefined,
    shares: shares(record.subscriptions),
    seenMs,
  };
}

/** In a fixed order, so that equal sessions have equal lists. */
function logFilters(subscriptions: SessionRecord['subscriptions']): LogFilter[] {
  return subscriptions
    .filter(({ filter, qos }) => qos > 0 && !filter.startsWith(SHARE_PREFIX))
    .map(({ filter, from }) => ({ filter, from }))
    .sort((a, b) => (a.filter < b.filter ? -1 : a.filter > b.filter ? 1 : a.from - b.from));
}

const NONE: readonly string[] = [];

function shares(subscriptions: SessionRecord['subscriptions']): readonly string[] {
  const found = subscriptions.filter(({ filter }) => filter.startsWith(SHARE_PREFIX));
  return found.length === 0 ? NONE : found.map(({ filter }) => filter);
}
