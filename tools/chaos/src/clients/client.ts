import { countEnd } from '../accounts/tally.ts';
import { openLink, type Address, type Link } from '../mqtt/link.ts';
import { CONNACK, connectPacket, PINGREQ_PACKET, PINGRESP, type Will } from '../mqtt/packets.ts';
import type { Part } from '../harm/outages.ts';
import type { World } from '../world.ts';

/** How a connection ended, as its client knows it. */
export type Ending =
  /** DISCONNECT was sent, and the door ended the connection while it and NATS were there. */
  | 'disconnected'
  /** DISCONNECT was sent; whether the door has taken it is not known. */
  | 'perhaps disconnected'
  /** Without DISCONNECT, by the client. */
  | 'dropped'
  /** Another connection with the same client id was begun. */
  | 'taken over'
  /** By the door. */
  | 'ended'
  /** No CONNACK or PINGRESP came. */
  | 'no answer';

export interface Door {
  readonly part: Part;
  readonly address: Address;
}

export interface ClientHandlers {
  /** CONNACK said yes. */
  opened(sessionPresent: boolean): void;
  /** Every packet but CONNACK and PINGRESP. */
  packet(first: number, body: Buffer): void;
  /** A connection is over; `acknowledged`: CONNACK had come. */
  ended(how: Ending, acknowledged: boolean): void;
  /** Connections that were to be taken over were open until now: the taking over has failed. */
  formerDropped?(): void;
}

export interface ClientOptions {
  readonly name: string;
  readonly clientId: string;
  readonly doors: readonly Door[];
  /** Index of the door at which it usually is. */
  readonly home: number;
  /** Tries another door when its own is not there. */
  readonly wanders: boolean;
  readonly clean: boolean;
  /** The will of its next connection. */
  will?: () => Will;
}

/** A client id and its connections: one at a time, opened again until it is told to stay away. */
export interface Client {
  /** In the trace. */
  readonly number: number;
  readonly name: string;
  readonly isOpen: boolean;
  /** Where it is, or was last. */
  readonly door: Door;
  /** Connects when it is not connected; at `door` from now on, when it is given. */
  come(door?: number): void;
  /** DISCONNECT, and stays away. */
  disconnect(): void;
  /** Ends the connection without DISCONNECT and stays away. */
  drop(): void;
  /** Opens a connection at another door while the one it has is still open. */
  takeOver(): void;
  /** Reads nothing until `thaw`. */
  freeze(): void;
  thaw(): void;
  readonly isFrozen: boolean;
  /** Ends everything that is open, for good. */
  stop(): void;
  write(bytes: Buffer): void;
  /** To be called every few milliseconds. */
  tick(): void;
}

const KEEP_ALIVE_SECONDS = 60;
const UNAVAILABLE = 3;
const NOT_REACHED = 'ECONNREFUSED';

interface Connection {
  readonly link: Link;
  readonly door: Door;
  state: 'connecting' | 'open' | 'disconnecting' | 'former';
  acknowledged: boolean;
  /** The first that ever asked for this client id. */
  readonly first: boolean;
  readonly openedAt: number;
  /** When CONNECT, PINGREQ or DISCONNECT was sent that is not answered; when it became a former one. */
  askedAt: number | undefined;
  heardAt: number;
}

export function createClient(world: World, options: ClientOptions, handlers: ClientHandlers): Client {
  const { trace, findings, outages, pace, tally, now } = world;
  const { name, doors, clean } = options;
  const number = trace.nameClient(name);
  const random = world.random.fork(options.clientId);
  let wanted = false;
  let frozen = false;
  /** When it was frozen last: what the door did since then is seen late. */
  let frozenAt = -Infinity;
  let thawedAt = -Infinity;
  let at = options.home;
  let retryAt = 0;
  /** A CONNECT has gone out before: there may be a session. */
  let attempted = false;
  /** CONNACK said yes before: there is one. */
  let hasSession = false;
  let current: Connection | undefined;
  /** Taken over by `current`, and not yet ended by their doors. */
  const former = new Set<Connection>();

  const isDoorDown = (door: Door): boolean => outages.isDown(door.part) || outages.isDown('nats');

  const over = (connection: Connection, how: Ending, why: string): void => {
    if (connection !== current) return;
    current = undefined;
    frozen = false;
    countEnd(tally, why === NOT_REACHED ? 'not reached' : how);
    // The one that should have taken over did not come about: now its client has none.
    if (!connection.acknowledged && former.size > 0) {
      for (const { link } of former) link.destroy('fin');
      former.clear();
      handlers.formerDropped?.();
    }
    trace.record('connection ended', number, { text: `${how}: ${why}` });
    retryAt = now() + random.between(...pace.retryMs);
    at = options.home;
    if (options.wanders && random.chance(0.5)) at = otherDoor();
    handlers.ended(how, connection.acknowledged);
  };

  const otherDoor = (): number =>
    doors.length < 2 ? at : (at + random.int(1, doors.length - 1)) % doors.length;

  const connect = (): void => {
    const door = doors[at] as Door;
    const link = openLink(door.address, {
      packet: (first, body) => received(connection, first, body),
      closed: (why) => closed(connection, why),
      disconnected: () => {
        const sure = connection.askedAt !== undefined && !outages.wasDown(door.part, connection.askedAt);
        const stored = connection.askedAt !== undefined && !outages.wasDown('nats', connection.askedAt);
        over(connection, sure && stored ? 'disconnected' : 'perhaps disconnected', 'ended by the door');
      },
    });
    const connection: Connection = {
      ...{ link, door, state: 'connecting', acknowledged: false, first: !attempted },
      ...{ openedAt: now(), askedAt: now(), heardAt: now() },
    };
    current = connection;
    attempted = true;
    trace.record('CONNECT >', number, { text: `at ${door.part}` });
    link.write(connectPacket({ ...options, keepAliveSeconds: KEEP_ALIVE_SECONDS, will: options.will?.() }));
  };

  const closed = (connection: Connection, why: string): void => {
    if (former.delete(connection)) return;
    if (connection !== current) return;
    const seenLate = frozen || now() - thawedAt < pace.answerMs;
    const excuse = outages.excuse(connection.door.part, seenLate ? frozenAt : now());
    if (connection.state === 'disconnecting') return over(connection, 'perhaps disconnected', why);
    if (why === NOT_REACHED) return over(connection, 'ended', why);
    if (excuse === undefined && !outages.hasDied(connection.door.part, connection.openedAt)) {
      const text = `${name} at ${connection.door.part}: ${why}${connection.acknowledged ? '' : ' before CONNACK'}`;
      findings.add({ kind: 'unexpected end', text, ms: now(), client: number });
    }
    over(connection, 'ended', `${why}${excuse === undefined ? '' : `, ${excuse}`}`);
  };

  const received = (connection: Connection, first: number, body: Buffer): void => {
    connection.heardAt = now();
    if (connection !== current) return;
    const type = first >> 4;
    if (type === PINGRESP) connection.askedAt = undefined;
    else if (type === CONNACK) connected(connection, body);
    else if (connection.state === 'open') handlers.packet(first, body);
    else if (connection.state === 'connecting') {
      findings.add({
        kind: 'protocol',
        text: `${name}: packet type ${type} before CONNACK`,
        ms: now(),
        client: number,
      });
    }
  };

  const connected = (connection: Connection, body: Buffer): void => {
    const [flags = 0, code = 255] = body;
    const present = (flags & 1) === 1;
    trace.record('CONNACK <', number, { text: `code ${code}, session present ${present ? 1 : 0}` });
    if (connection.state !== 'connecting') {
      findings.add({ kind: 'protocol', text: `${name}: a second CONNACK`, ms: now(), client: number });
      return;
    }
    if (code !== 0) {
      const excused = code === UNAVAILABLE && outages.excuse(connection.door.part) !== undefined;
      if (!excused) {
        const text = `${name} at ${connection.door.part}: return code ${code}`;
        findings.add({ kind: 'refused', text, ms: now(), client: number });
      }
      connection.link.destroy('fin');
      return over(connection, 'ended', `return code ${code}`);
    }
    const text = `${name} at ${connection.door.part}`;
    if (present && (clean || connection.first)) {
      findings.add({ kind: 'session invented', text, ms: now(), client: number });
    }
    if (!present && !clean && hasSession) {
      findings.add({ kind: 'session gone', text, ms: now(), client: number });
    }
    hasSession = true;
    Object.assign(connection, { state: 'open', acknowledged: true, askedAt: undefined });
    for (const one of former) one.askedAt = now();
    tally.connects++;
    handlers.opened(present);
  };

  const checkFormer = (): void => {
    for (const connection of former) {
      const { askedAt, door } = connection;
      if (askedAt === undefined || current?.state !== 'open') continue;
      // A frozen door, and one that was, has until then to come to know.
      if (isDoorDown(door) || outages.excuse(door.part) !== undefined) connection.askedAt = now();
      else if (now() - askedAt > pace.takeoverMs) {
        findings.add({ kind: 'still open', text: `${name} at ${door.part}`, ms: now(), client: number });
        former.delete(connection);
        connection.link.destroy('fin');
      }
    }
  };

  const checkAnswers = (connection: Connection): void => {
    const { askedAt, state, link } = connection;
    if (askedAt !== undefined && now() - askedAt > pace.answerMs && !frozen) {
      link.destroy('fin');
      const what = state === 'connecting' ? 'CONNACK' : state === 'open' ? 'PINGRESP' : 'end';
      return over(connection, state === 'disconnecting' ? 'perhaps disconnected' : 'no answer', `no ${what}`);
    }
    if (state === 'open' && askedAt === undefined && now() - connection.heardAt > pace.pingMs) {
      connection.askedAt = now();
      link.write(PINGREQ_PACKET);
    }
  };

  const drop = (): void => {
    wanted = false;
    const connection = current;
    if (connection === undefined) return;
    connection.link.destroy(random.chance(0.5) ? 'fin' : 'reset');
    over(connection, connection.state === 'disconnecting' ? 'perhaps disconnected' : 'dropped', 'own doing');
  };

  return {
    number,
    name,
    get isOpen() {
      return current?.state === 'open';
    },
    get door() {
      return current?.door ?? (doors[at] as Door);
    },
    get isFrozen() {
      return frozen;
    },
    come(door) {
      wanted = true;
      if (door !== undefined) at = door;
    },
    disconnect() {
      wanted = false;
      if (current?.state !== 'open') return drop();
      Object.assign(current, { state: 'disconnecting', askedAt: now() });
      frozen = false;
      trace.record('DISCONNECT >', number);
      current.link.disconnect();
    },
    drop,
    takeOver() {
      const connection = current;
      if (connection?.state !== 'open') return;
      tally.takeovers++;
      over(connection, 'taken over', 'own doing');
      // What still arrives there is not looked at, as if the network had been cut.
      Object.assign(connection, { state: 'former', askedAt: undefined });
      connection.link.resume();
      former.add(connection);
      at = otherDoor();
      connect();
    },
    freeze() {
      if (current?.state !== 'open' || frozen) return;
      frozen = true;
      frozenAt = now();
      tally.freezes++;
      trace.record('reads no more', number);
      current.link.pause();
    },
    thaw() {
      if (!frozen) return;
      frozen = false;
      thawedAt = now();
      trace.record('reads again', number);
      if (current === undefined) return;
      Object.assign(current, { heardAt: now(), askedAt: undefined });
      current.link.resume();
    },
    stop() {
      drop();
      for (const { link } of former) link.destroy('fin');
      former.clear();
    },
    write: (bytes) => {
      if (current?.state === 'open') current.link.write(bytes);
    },
    tick() {
      checkFormer();
      if (current !== undefined) checkAnswers(current);
      else if (wanted && now() >= retryAt) connect();
    },
  };
}
