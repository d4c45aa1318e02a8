import { Type } from 'typebox';
import { ClientProtocol } from './connection-events.ts';
import { encodeToken } from './token.ts';
import type { Static } from 'typebox';

/** Snapshot of a device's presence actor: bucket `devices`, key `presenceKey(client)`. */
export const Presence = Type.Object(
  {
    v: Type.Literal(1),
    client: Type.String(),
    online: Type.Boolean(),
    door: Type.Optional(Type.String()),
    service: Type.Optional(Type.String()),
    protocol: Type.Optional(ClientProtocol),
    connection: Type.Optional(Type.String()),
    /** Milliseconds since the epoch. */
    connectedAt: Type.Optional(Type.Integer({ minimum: 0 })),
    disconnectedAt: Type.Optional(Type.Integer({ minimum: 0 })),
    reason: Type.Optional(Type.String()),
    /** Position in `EVENTS` that this snapshot includes. */
    pos: Type.Integer({ minimum: 0 }),
  },
  { $id: 'tv1.Presence' },
);
export type Presence = Static<typeof Presence>;

/** `presence.<client>`; `client` is the id itself. */
export function presenceKey(client: string): string {
  return `presence.${encodeToken(client)}`;
}
