import { Type } from 'typebox';
import { JsonProperties } from './json-properties.ts';
import { encodeToken } from './token.ts';
import type { Static } from 'typebox';

const QoSSchema = Type.Union([Type.Literal(0), Type.Literal(1), Type.Literal(2)]);
const Position = Type.Integer({ minimum: 0 });

/** One filter of a persistent session. */
export const SessionSubscription = Type.Object({
  filter: Type.String({ minLength: 1 }),
  /** Granted. */
  qos: QoSSchema,
  /** Log position at which it began: it brings nothing stored at or below it (rule 2). */
  from: Position,
  /** MQTT 5 subscription options and identifier; none: as in 3.1.1. */
  noLocal: Type.Optional(Type.Boolean()),
  retainAsPublished: Type.Optional(Type.Boolean()),
  id: Type.Optional(Type.Integer({ minimum: 1, maximum: 268_435_455 })),
});
export type SessionSubscription = Static<typeof SessionSubscription>;

/**
 * By what the client of a will had proved who it is: whether the will may still be published is asked later, and of others than the door that
 * saw the proof. No secret. The end of a proof in time is not in it: who was not thrown out before may leave its will.
 */
export const WillAuthor = Type.Object({
  /** Of the principal. */
  name: Type.String(),
  by: Type.Enum(['nothing', 'password', 'scram', 'jwt', 'key', 'certificate']),
  groups: Type.Array(Type.String()),
  claims: Type.Record(Type.String(), Type.String()),
  proof: Type.Optional(Type.String()),
  /** Its client id was made up by the door. */
  assigned: Type.Optional(Type.Literal(true)),
});
export type WillAuthor = Static<typeof WillAuthor>;

/** The message to publish when the connection ends without DISCONNECT, as it was given at CONNECT. */
export const WillMessage = Type.Object({
  topic: Type.String({ minLength: 1 }),
  /** Base64. */
  payload: Type.String(),
  qos: QoSSchema,
  retain: Type.Boolean(),
  contentType: Type.Optional(Type.String()),
  properties: Type.Optional(JsonProperties),
  /** It waits so long after the connection has ended, unless the session ends before or the client is back. */
  delaySeconds: Type.Optional(Type.Integer({ minimum: 1 })),
  /** None: of a door that did not say; it is published unasked. */
  author: Type.Optional(WillAuthor),
});
export type WillMessage = Static<typeof WillMessage>;

/** A will that is due. It has the id `willId(client, epoch)` in the log, so that it is there once whoever publishes it. */
export const DueWill = Type.Object({
  epoch: Type.Integer({ minimum: 1 }),
  will: WillMessage,
  /** It cannot lie in the log at or below this position. */
  after: Position,
  /** Not before, milliseconds since the epoch; a client that continues the session by then cancels it. None: now. */
  at: Type.Optional(Type.Integer({ minimum: 0 })),
});
export type DueWill = Static<typeof DueWill>;

/** A QoS 1 message that was sent and not acknowledged. */
export const OpenDelivery = Type.Object({
  id: Type.Integer({ minimum: 1, maximum: 65_535 }),
  /** In the log. */
  pos: Position,
  /** Subject tokens of its topic when it was sent as a retained message: the log may not have it any more. */
  retained: Type.Optional(Type.String()),
});
export type OpenDelivery = Static<typeof OpenDelivery>;

/**
 * The session of a client: bucket `sessions`, key `sessionKey(client)`. Every connected client has one, written by compare-and-set
 * by the door that serves it; that of a clean session goes with its connection, a persistent one stays until it expires. Its offline
 * queue is the log after `pos`.
 */
export const SessionRecord = Type.Object(
  {
    v: Type.Literal(1),
    /** Grows by one with each change of owner. Begins at the time at which the session was made, so that none comes twice. */
    epoch: Type.Integer({ minimum: 1 }),
    /** Incarnation of the door that serves the client now; none: the client is away. */
    door: Type.Optional(Type.String({ minLength: 1 })),
    /** The connection at that door. */
    connection: Type.Optional(Type.String({ minLength: 1 })),
    /** When that connection began, milliseconds since the epoch by the door's clock. */
    connectedAt: Type.Integer({ minimum: 0 }),
    /** Who made the session: nobody else takes it over. */
    principal: Type.String(),
    /** It ends with its connection. */
    clean: Type.Boolean(),
    /** How long it stays after its connection ended; none: for ever. */
    expirySeconds: Type.Optional(Type.Integer({ minimum: 0 })),
    /** When a session whose client is away has ended, milliseconds since the epoch: whoever finds it after that takes it for gone. */
    endsAt: Type.Optional(Type.Integer({ minimum: 0 })),
    /** Last log position considered for the client (its cursor). A lower bound while it is connected. */
    pos: Position,
    subscriptions: Type.Array(SessionSubscription),
    /** In the order in which they were sent. */
    open: Type.Array(OpenDelivery),
    /** There is, or may be, a record of QoS 2 exchanges in bucket `qos2`. */
    exactlyOnce: Type.Boolean(),
    /** Of the connection now. */
    will: Type.Optional(WillMessage),
    /** Of former connections, not known to be published. */
    due: Type.Optional(Type.Array(DueWill)),
  },
  { $id: 'tv1.SessionRecord' },
);
export type SessionRecord = Static<typeof SessionRecord>;

/** Its client is away, and its time is over: whoever finds it takes it for gone. */
export function isSessionOver({ door, endsAt }: SessionRecord, nowMs: number): boolean {
  return door === undefined && endsAt !== undefined && endsAt <= nowMs;
}

/** The principal of everybody who does not say who he is. No user has this name. */
export const ANONYMOUS = 'anonymous';

/** Key in the buckets `sessions` and `qos2`; `client` is the id itself. */
export function sessionKey(client: string): string {
  return encodeToken(client);
}

/** `Nats-Msg-Id` of the will of one connection (rule 3). */
export function willId(client: string, epoch: number): string {
  return `will/${client}/${epoch}`;
}
