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

/** `_INBOX_<service>`: where answers to a service go, so that NATS can keep them from the others. */
export function inboxPrefix(service: string): string {
  return `_INBOX_${service.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`;
}

/** Every subject of a kind, to publish to or to subscribe to. */
export const ALL_SUBJECTS = {
  messages: 'tv1.m.>',
  retained: 'tv1.r.>',
  /** To clients and what controls their sessions. */
  clients: 'tv1.c.>',
  /** To clients without a session. */
  calls: 'tv1.k.*',
  here: 'tv1.h.*',
  /** What a door delivers to a client: asked by explain. */
  clientFilters: 'tv1.f.>',
  actors: 'tv1.d.>',
  positions: 'tv1.x.*',
  events: 'tv1.e.>',
  deferred: 'tv1.w.>',
  queuedCommands: 'tv1.q.*',
  deadLetters: 'tv1.l.>',
  contractLetters: 'tv1.l.contract.*',
  audit: 'tv1.a.>',
} as const;

/** `tv1.r.<topic…>`: the retained message of a topic; `tokens` from `topicToTokens`. */
export function retainedSubject(tokens: string): string {
  return `tv1.r.${tokens}`;
}
