import type { DueWill, SessionRecord } from '@trivium/contracts';
import { dueWills } from './session-store.ts';

/** The next thing to do with a session that has no living connection. */
export type Settlement =
  | { readonly do: 'nothing' }
  /** Write `record`: the session has no owner, and whoever reads it knows which wills are due. Then ask again. */
  | { readonly do: 'claim'; readonly record: SessionRecord }
  /** Publish the wills, then do what `afterWills` says. */
  | { readonly do: 'publish'; readonly wills: readonly DueWill[] }
  /** Write `record`, to go by itself after `ttlSeconds` (none: to stay). Nothing is left to do then. */
  | { readonly do: 'free'; readonly record: SessionRecord; readonly ttlSeconds: number | undefined }
  /** Delete the session. */
  | { readonly do: 'end' };

const NOTHING: Settlement = { do: 'nothing' };

/**
 * How the session of a dead door is settled (rule 3), step by step, each a compare-and-set on the record that was looked at. It may be
 * left off and gone on with by another process after any step. `lost`: the door that the record names does not live, or not for this connection.
 */
export function settlement(record: SessionRecord, lost: boolean): Settlement {
  if (record.door === undefined) {
    if (record.due !== undefined && record.due.length > 0) return { do: 'publish', wills: record.due };
    return endsWithConnection(record) ? { do: 'end' } : NOTHING;
  }
  if (!lost) return NOTHING;
  const freed = { ...withoutOwner(record), epoch: record.epoch + 1 };
  const due = dueWills(record);
  return due.length > 0 ? { do: 'claim', record: { ...freed, due } } : afterWills(freed);
}

/** What is left to do with a record without an owner whose wills are published. */
export function afterWills(record: SessionRecord): Settlement {
  if (endsWithConnection(record)) return { do: 'end' };
  return { do: 'free', record: withoutOwner(record), ttlSeconds: record.expirySeconds };
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
