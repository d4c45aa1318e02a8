import { Type } from 'typebox';
import type { Static } from 'typebox';

const PacketId = Type.Integer({ minimum: 1, maximum: 65_535 });
const Position = Type.Integer({ minimum: 0 });

/** A QoS 2 message from the client whose PUBREL has not come: written before it is published (rule 4). */
export const IncomingExactlyOnce = Type.Object({
  packetId: PacketId,
  /** `Nats-Msg-Id`: never used before, unlike the packet id. */
  msgId: Type.String({ minLength: 1 }),
  /** It cannot lie in the log at or below this position. */
  after: Position,
  /** When it was first tried, milliseconds since the epoch: JetStream knows ids for two minutes. */
  at: Type.Integer({ minimum: 0 }),
});
export type IncomingExactlyOnce = Static<typeof IncomingExactlyOnce>;

/** A QoS 2 message to the client that is not completed: written before it is sent. */
export const OutgoingExactlyOnce = Type.Object({
  packetId: PacketId,
  /** In the log. */
  pos: Position,
  /** The client has the message (PUBREC): only PUBREL may be repeated. */
  released: Type.Boolean(),
  /** Subject tokens of its topic when it was sent as a retained message. */
  retained: Type.Optional(Type.String()),
});
export type OutgoingExactlyOnce = Static<typeof OutgoingExactlyOnce>;

/** QoS 2 exchanges of a persistent session: bucket `qos2`, key `sessionKey(client)`, by compare-and-set. */
export const ExactlyOnceRecord = Type.Object(
  {
    v: Type.Literal(1),
    /** Of the session's owner that wrote it: a new owner writes it first, so that a former one cannot any more. */
    epoch: Type.Integer({ minimum: 1 }),
    incoming: Type.Array(IncomingExactlyOnce),
    outgoing: Type.Array(OutgoingExactlyOnce),
    /** QoS 2 messages at or below this log position were begun: what is not in `outgoing` is completed and is not sent again. */
    begun: Position,
  },
  { $id: 'tv1.ExactlyOnceRecord' },
);
export type ExactlyOnceRecord = Static<typeof ExactlyOnceRecord>;
