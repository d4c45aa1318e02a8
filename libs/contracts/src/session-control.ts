import { Type } from 'typebox';
import type { Static } from 'typebox';

/**
 * Request on `clientSubject(door, client)`: another connection wants the client id. Answered (empty) when the connection is closed, its
 * will stored and its session written; a door that does not answer is fenced by the record's epoch.
 */
export const TakeoverNotice = Type.Object(
  { v: Type.Literal(1), do: Type.Literal('takeover'), connection: Type.String({ minLength: 1 }) },
  { $id: 'tv1.TakeoverNotice' },
);
export type TakeoverNotice = Static<typeof TakeoverNotice>;
