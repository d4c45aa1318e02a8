import { decodeToken, encodeToken } from './token.ts';

/** What happened to a client. A stream of events by kind and client (`EVENTS`). */
export type EventKind = 'connected' | 'disconnected' | 'subscribed' | 'shadow';

/** `tv1.e.<kind>.<client>`; `client` is the id itself. */
export function eventSubject(kind: EventKind, client: string): string {
  return `tv1.e.${kind}.${encodeToken(client)}`;
}

/** `tv1.c.<door>.<client>`: to one client connected at the door of this incarnation. Each door subscribes to `doorSubject`. */
export function clientSubject(door: string, client: string): string {
  return `tv1.c.${encodeToken(door)}.${encodeToken(client)}`;
}

/** The client at the end of a subject such as `clientSubject`'s; `undefined` for a token that we would not have written. */
export function subjectClient(subject: string): string | undefined {
  return decodeToken(subject.slice(subject.lastIndexOf('.') + 1));
}

/** `tv1.c.<door>.>`: what a door subscribes to. */
export function doorSubject(door: string): string {
  return `tv1.c.${encodeToken(door)}.>`;
}

/** `tv1.d.<partition>.<client>`: to the actor of a device, at whichever router holds the partition. */
export function actorSubject(partition: number, client: string): string {
  return `tv1.d.${partition}.${encodeToken(client)}`;
}

/** `tv1.d.<partition>.>`: what the holder of a partition subscribes to. */
export function partitionSubject(partition: number): string {
  return `tv1.d.${partition}.>`;
}

/** `tv1.x.<partition>`: to the position index of a partition. */
export function positionSubject(partition: number): string {
  return `tv1.x.${partition}`;
}

/**
 * `tv1.l.contract.<name>`: messages that broke this contract, as they came, their topic and the reason in headers (`DEADLETTER`; the other
 * dead letters there are those of actors, `tv1.l.<actor>.<id>`).
 */
export function contractLetterSubject(name: string): string {
  return `tv1.l.contract.${encodeToken(name)}`;
}

/** `tv1.r.<topic…>`: the retained message of a topic; `tokens` from `topicToTokens`. */
export function retainedSubject(tokens: string): string {
  return `tv1.r.${tokens}`;
}
