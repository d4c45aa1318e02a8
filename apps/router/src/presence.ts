import { defineActor, type Step } from '@trivium/actors';
import {
  accept,
  ConnectedEvent,
  decodeJson,
  decodeToken,
  DisconnectedEvent,
  eventSubject,
  Presence,
  refuse,
  type Result,
} from '@trivium/contracts';

export type PresenceMessage =
  | { readonly type: 'connected'; readonly event: ConnectedEvent }
  | { readonly type: 'disconnected'; readonly event: DisconnectedEvent }
  /** The door is gone, or (`since`, milliseconds by the door's clock) lives anew and has nothing to do with earlier connections. */
  | { readonly type: 'door-lost'; readonly door: string; readonly since: number | undefined }
  | { readonly type: 'get' };

/** The device is now said to be online at this door: does the door live? */
export interface OnlineAt {
  readonly type: 'online-at';
  readonly door: string;
  readonly connectedAt: number;
}

/** Reason in a presence whose door died without a word. */
export const DOOR_LOST = 'door lost';

/** `tv1.e.<kind>.`, without the client. */
const prefixOf = (kind: 'connected' | 'disconnected'): string => eventSubject(kind, 'x').slice(0, -1);
const CONNECTED = prefixOf('connected');
const DISCONNECTED = prefixOf('disconnected');

/**
 * Who is connected, and where: one actor per client id. Events belong together by their `connection`, so a late `disconnected` of an old
 * connection never marks a newer one offline. A door must store the events of a connection in their order.
 */
export const presence = defineActor<typeof Presence, PresenceMessage, OnlineAt>({
  name: 'presence',
  bucket: 'devices',
  log: 'EVENTS',
  schema: Presence,
  initial: (client) => ({ v: 1, client, online: false, pos: 0 }),
  address(subject) {
    if (subject.startsWith(CONNECTED)) return decodeToken(subject.slice(CONNECTED.length));
    if (subject.startsWith(DISCONNECTED)) return decodeToken(subject.slice(DISCONNECTED.length));
    return undefined;
  },
  decode(subject, data) {
    const read = subject.startsWith(CONNECTED)
      ? as('connected', decodeJson(ConnectedEvent, data))
      : as('disconnected', decodeJson(DisconnectedEvent, data));
    if (!read.ok) return read;
    const named = subject === eventSubject(read.value.type, read.value.event.client);
    return named ? read : refuse('payload.invalid', 'the event is of another client than its subject');
  },
  request: (body) =>
    body['op'] === 'get' ? accept({ type: 'get' }) : refuse('not-found', 'presence answers "get"'),
  step(state, message, { nowMs }) {
    switch (message.type) {
      case 'connected':
        return connected(state, message.event);
      case 'disconnected':
        return disconnected(state, message.event);
      case 'door-lost':
        return doorLost(state, message.door, message.since, nowMs);
      case 'get':
        return { state, effects: [{ type: 'reply', value: state }] };
    }
  },
});

type PresenceStep = Step<Presence, OnlineAt>;

const unchanged = (state: Presence): PresenceStep => ({ state, effects: [] });

function connected(state: Presence, event: ConnectedEvent): PresenceStep {
  // A repeat; a connection that has ended does not begin again.
  if (event.connection === state.connection) return unchanged(state);
  const { client, door, service, protocol, connection, at } = event;
  return {
    state: {
      v: 1,
      client,
      online: true,
      door,
      service,
      protocol,
      connection,
      connectedAt: at,
      pos: state.pos,
    },
    effects: [{ type: 'online-at', door, connectedAt: at }],
  };
}

function disconnected(state: Presence, event: DisconnectedEvent): PresenceStep {
  // Retention may have taken the `connected` of a device that is heard of for the first time.
  const first = state.connection === undefined;
  if (!first && !(state.online && event.connection === state.connection)) return unchanged(state);
  const { client, door, service, protocol, connection, at, reason } = event;
  const began = state.connectedAt === undefined ? {} : { connectedAt: state.connectedAt };
  const why = reason === undefined ? {} : { reason };
  const { pos } = state;
  return {
    state: {
      v: 1,
      client,
      online: false,
      door,
      service,
      protocol,
      connection,
      ...began,
      disconnectedAt: at,
      ...why,
      pos,
    },
    effects: [],
  };
}

function doorLost(state: Presence, door: string, since: number | undefined, nowMs: number): PresenceStep {
  if (!state.online || state.door !== door) return unchanged(state);
  if (since !== undefined && (state.connectedAt ?? 0) >= since) return unchanged(state);
  return { state: { ...state, online: false, disconnectedAt: nowMs, reason: DOOR_LOST }, effects: [] };
}

function as<T extends 'connected' | 'disconnected', E>(
  type: T,
  read: Result<E>,
): Result<{ type: T; event: E }> {
  return read.ok ? accept({ type, event: read.value }) : read;
}
