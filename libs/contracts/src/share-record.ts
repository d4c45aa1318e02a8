import { Type } from 'typebox';
import { SHARE_PREFIX } from './topic-filter.ts';
import { encodeToken } from './token.ts';
import type { Static } from 'typebox';
import type { Share } from './share.ts';

/** A shared subscription that somebody has: bucket `shares`, key `shareKey(share)`. It goes with its last member. */
export const ShareRecord = Type.Object(
  {
    v: Type.Literal(1),
    group: Type.String({ minLength: 1 }),
    filter: Type.String({ minLength: 1 }),
    /** The consumer of `MESSAGES` that assigns its messages, and the queue group of those at QoS 0. */
    consumer: Type.String({ minLength: 1 }),
    /** Client id → the connection that its membership ends with; empty: it ends with its persistent session. */
    members: Type.Record(Type.String(), Type.String()),
  },
  { $id: 'tv1.ShareRecord' },
);
export type ShareRecord = Static<typeof ShareRecord>;

export function shareKey({ group, filter }: Share): string {
  return encodeToken(`${group}/${filter}`);
}

/** As clients write it: `$share/{group}/{filter}`. */
export function shareName({ group, filter }: Share): string {
  return `${SHARE_PREFIX}${group}/${filter}`;
}
