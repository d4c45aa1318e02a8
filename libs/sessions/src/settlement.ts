import type { DueWill, SessionRecord } from '@trivium/contracts';
import { dueWills, WILL_SECONDS } from './session-store.ts';

/** The next thing to do with a session that has no living connection. */
export type Settlement =
  | { readonly do: 'nothing' }
  /** Write `record`: the session has no owner, and whoever reads it knows which wills are due. Then ask again. */
  | { readonly do: 'claim'; readonly record: SessionRecord }
  /** Publish the wills, then do what `afterWills` says. */
  | { readonly do: 'publish'; readonly wills: readonly DueWill[] }
  /** Its wills wait, until then at least, milliseconds since the epoch. */
  | { readonly do: 'wait'; readonly untilMs: number }
  /** Write `record`, to go by itself after `ttlSeconds` (none: to stay). Nothing is left to do then. */
  | { readonly do: 'free'; readonly record: SessionRecord; readonly ttlSeconds: number | undefined }
  /** Delete the session. */
  | { readonly do: 'end' };

const NOTHING: Settlement = { do: 'nothing' };

/**
 * How the session of a dead door is settled (rule 3), step by step, each a compare-and-set on the record that was looked at. It may be
 * left off and gone on with by another process after any step. `lost`: the door that the record names does not live, or not for this connection.
 */
export function settlement(record: SessionRecord, lost: boolean, nowMs: number): Settlement {
  if (record.door === undefined) {
    const { due = [] } = record;
    const ripe = due.filter((one) => isRipe(one, nowMs));
    if (ripe.length > 0) return { do: 'publish', wills: ripe };
    if (due.length > 0) return { do: 'wait', untilMs: Math.min(...due.map(({ at = 0 }) => at)) };
    return endsWithConnection(record) ? { do: 'end' } : NOTHING;
  }
  if (!lost) return NOTHING;
  const freed = { ...withoutOwner(record), epoch: record.epoch + 1 };
  const due = dueWills(record, nowMs);
  return due.length > 0 ? { do: 'claim', record: { ...freed, due } } : afterWills(freed, nowMs);
}

/** What is left to do with a record without an owner whose wills are published, but for those that wait. */
export function afterWills(record: SessionRecord, nowMs: number): Settlement {
  if (endsWithConnection(record)) return { do: 'end' };
  const waiting = record.due?.filter((one) => !isRipe(one, nowMs)) ?? [];
  const { expirySeconds } = record;
  const endsAt = record.endsAt ?? (expirySeconds === undefined ? undefined : nowMs + expirySeconds * 1_000);
  const kept = {
    ...withoutOwner(record),
    ...(endsAt === undefined ? {} : { endsAt }),
    ...(waiting.length === 0 ? {} : { due: waiting }),
  };
  // A record stays until the wills that wait for the end of its session are published.
  const ttlSeconds =
    endsAt === undefined
      ? undefined
      : Math.max(1, Math.ceil((endsAt - nowMs) / 1_000)) + (waiting.length === 0 ? 0 : WILL_SECONDS);
  return { do: 'free', record: kept, ttlSeconds };
}

function isRipe({ at }: DueWill, nowMs: number): boolean {
  return at === undefined || at <= nowMs;
}

export function endsWithConnection({
  clean,
  expirySeconds,
}: Pick<SessionRecord, 'clean' | 'expirySeconds'>): boolean {
  return clean || expirySeconds === 0;
}

function withoutOwner(record: SessionRecord): SessionRecord {
  const { door: _, connection: __, will: ___, due: ____, ...kept } = record;
  return kept;
}
