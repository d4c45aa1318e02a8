import { encodeToken } from '@trivium/contracts';
import { Type, type Static } from 'typebox';

/** Who serves a client now: bucket `sessions`, key `sessionKey(client)`, written by compare-and-set. */
export const SessionRecord = Type.Object(
  {
    v: Type.Literal(1),
    /** Incarnation of the door. */
    door: Type.String({ minLength: 1 }),
    /** Grows by one with each change of owner. */
    epoch: Type.Integer({ minimum: 1 }),
    /** The connection at that door. */
    connection: Type.String({ minLength: 1 }),
  },
  { $id: 'tv1.SessionRecord' },
);
export type SessionRecord = Static<typeof SessionRecord>;

/** The request on `clientSubject(door, client)` by which a new owner tells the former one. Answered when its connection is closed. */
export const TakeoverNotice = Type.Object(
  { v: Type.Literal(1), do: Type.Literal('takeover'), connection: Type.String({ minLength: 1 }) },
  { $id: 'tv1.TakeoverNotice' },
);
export type TakeoverNotice = Static<typeof TakeoverNotice>;

export function sessionKey(client: string): string {
  return encodeToken(client);
}
