import { Type } from 'typebox';
import { WillAuthor } from './session-record.ts';
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

/**
 * Request on `clientSubject(door, client)` to any door that lives: whether a will of this client, who need not be there, may be published now.
 * Who publishes the wills of dead doors does not know what clients may do. Answered by `WillRuling`.
 */
export const WillQuestion = Type.Object(
  {
    v: Type.Literal(1),
    do: Type.Literal('judge-will'),
    author: WillAuthor,
    topic: Type.String({ minLength: 1 }),
    retain: Type.Boolean(),
  },
  { $id: 'tv1.WillQuestion' },
);
export type WillQuestion = Static<typeof WillQuestion>;

export const WillRuling = Type.Object(
  { v: Type.Literal(1), allowed: Type.Boolean() },
  { $id: 'tv1.WillRuling' },
);
export type WillRuling = Static<typeof WillRuling>;
