import { Type } from 'typebox';
import type { Static } from 'typebox';

const Position = Type.Integer({ minimum: 0 });

/** Request on `positionSubject(partition)`: which messages of the log above `cursor` are for this client's session? */
export const PositionRequest = Type.Object(
  {
    v: Type.Literal(1),
    client: Type.String(),
    /** `pos` of the session record. */
    cursor: Position,
    /** Where the door's feed is. The index waits a moment to come that far, and answers with what it has. */
    upTo: Position,
  },
  { $id: 'tv1.PositionRequest' },
);
export type PositionRequest = Static<typeof PositionRequest>;

/**
 * What the index knows: in (from, through] exactly `positions` match the session's filters. The door scans what is not covered,
 * (cursor, from) and (through, upTo] (rule 7). `through` below `from`: nothing is known.
 */
export const PositionAnswer = Type.Object(
  {
    v: Type.Literal(1),
    from: Position,
    through: Position,
    /** Ascending. */
    positions: Type.Array(Position),
    /** Set when the session's limits were passed: what lies at or below `pos` is dropped, `messages` of them that matched. */
    dropped: Type.Optional(
      Type.Object({
        pos: Position,
        messages: Type.Integer({ minimum: 0 }),
        bytes: Type.Integer({ minimum: 0 }),
      }),
    ),
  },
  { $id: 'tv1.PositionAnswer' },
);
export type PositionAnswer = Static<typeof PositionAnswer>;
