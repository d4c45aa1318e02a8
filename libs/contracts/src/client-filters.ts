import { Type } from 'typebox';
import { SessionSubscription } from './session-record.ts';
import { encodeToken } from './token.ts';
import type { Static } from 'typebox';

/** What a door delivers to one client now: the answer to a request on `filtersSubject(door, client)`. Of a client that is not there: nothing. */
export const ClientFilters = Type.Object(
  {
    v: Type.Literal(1),
    /** The client has something attached there: a connection, an event stream. */
    attached: Type.Boolean(),
    subscriptions: Type.Array(Type.Pick(SessionSubscription, ['filter', 'qos', 'from'])),
  },
  { $id: 'tv1.ClientFilters' },
);
export type ClientFilters = Static<typeof ClientFilters>;

/** `tv1.f.<door>.<client>`: asks the door of this incarnation what it delivers to a client. */
export function filtersSubject(door: string, client: string): string {
  return `tv1.f.${encodeToken(door)}.${encodeToken(client)}`;
}

/** `tv1.f.<door>.*`: what a door answers. */
export function doorFiltersSubject(door: string): string {
  return `tv1.f.${encodeToken(door)}.*`;
}
