import { Type } from 'typebox';
import type { Static } from 'typebox';

/** How a client speaks to its door. */
export const ClientProtocol = Type.Union([
  Type.Literal('mqtt3.1'),
  Type.Literal('mqtt3.1.1'),
  Type.Literal('mqtt5'),
  Type.Literal('trivium.v1'),
  Type.Literal('http'),
]);
export type ClientProtocol = Static<typeof ClientProtocol>;

const connectionFields = {
  v: Type.Literal(1),
  client: Type.String(),
  /** Different for every connection, so that a late `disconnected` is not taken for the next connection's. */
  connection: Type.String({ minLength: 1 }),
  /** Incarnation of the process that holds, or held, the connection. */
  door: Type.String({ minLength: 1 }),
  service: Type.String({ minLength: 1 }),
  protocol: ClientProtocol,
  /** Milliseconds since the epoch, by the door's clock. */
  at: Type.Integer({ minimum: 0 }),
  /** Remote address of the client. */
  address: Type.Optional(Type.String()),
};

/** `tv1.e.connected.<client>`. */
export const ConnectedEvent = Type.Object(connectionFields, { $id: 'tv1.ConnectedEvent' });
export type ConnectedEvent = Static<typeof ConnectedEvent>;

/** `tv1.e.disconnected.<client>`. */
export const DisconnectedEvent = Type.Object(
  { ...connectionFields, reason: Type.Optional(Type.String()) },
  { $id: 'tv1.DisconnectedEvent' },
);
export type DisconnectedEvent = Static<typeof DisconnectedEvent>;
