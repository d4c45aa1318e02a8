import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { toWsClose, type ErrorCode, type PublicError } from '@trivium/contracts';
import type { Bus, Logger } from '@trivium/bus';
import type { CommandCaller, CommandDesk } from '@trivium/commands';
import type { Delivery } from '@trivium/delivery';
import { OPEN_IDENTITY, type Audit, type Identity, type Principal } from '@trivium/identity';
import type { Arrivals } from '@trivium/listener';
import { NO_CONTRACTS, type MessageContracts } from '@trivium/message-contracts';
import { createMessageRates, createPrincipalGate, NO_LIMITS, type LimitsConfig } from '@trivium/limits';
import type { MqttDoor } from '@trivium/mqtt';
import { isLoopback } from '@trivium/service';
import type { MessageTracing } from '@trivium/telemetry';
import type { DoorTls } from '@trivium/tls';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { createAdmission, refusal, type Admission, type Admitted } from './admission.ts';
import { awaitProof } from './awaiting-proof.ts';
import { createClients, type Served } from './clients.ts';
import { systemClock, type Clock } from '@trivium/clock';
import type { WsConfig } from './config.ts';
import { closeReason } from './close-reason.ts';
import type { FrameId } from './codec.ts';
import { createConnectionEvents } from './connection-events.ts';
import { createEntry, type Entered, type Entrant } from './entry.ts';
import { openConnection, type Client, type Connection, type Surroundings } from './connection.ts';
import { createMessageFrames } from './message-frames.ts';
import { mqttPeer } from './mqtt-peer.ts';
import { createMqttTransport } from './mqtt-transport.ts';
import { refuseMalformed, refuseUpgrade } from './refuse-upgrade.ts';
import type { SessionLimits } from './session.ts';
import { createStats, type WsStats } from './stats.ts';
import { chooseSubprotocol } from './subprotocol.ts';
import { tooMany } from './too-many.ts';
import { createUpgradeServer } from './upgrade-server.ts';
import { createWriteTurn } from './write-turn.ts';

export interface WsDoorOptions {
  bus: Pick<Bus, 'publisher' | 'retain' | 'incarnation' | 'lastPos' | 'bucket' | 'live' | 'up'>;
  delivery: Delivery;
  /** Brings commands to the clients; shared with the MQTT door. */
  desk: CommandDesk;
  /** Sends those of the clients. */
  caller: CommandCaller;
  /** Serves the clients that speak MQTT; the door drains it. */
  mqtt: Pick<MqttDoor, 'accept' | 'stopAccepting' | 'closeClients' | 'drain'>;
  /** What the site expects of messages; nothing unless given. */
  contracts?: MessageContracts;
  /** Who clients are and what they may do; everybody everything unless given. */
  identity?: Identity;
  /** Commands of the clients are written down there; nowhere unless given. */
  audit?: Audit;
  config: WsConfig;
  /** How much clients of `trivium.v1` may publish, and how many there may be of one principal; no limit unless given. */
  limits?: LimitsConfig;
  /** What connections pass before they are served; nothing unless given. */
  arrivals?: Arrivals;
  /** There is a listener for it when it is given. */
  tls?: DoorTls | undefined;
  topics: SessionLimits['topics'];
  maxClientIdBytes: number;
  tracing: MessageTracing;
  logger: Logger;
  /** The service's name, for connection events. */
  service: string;
  clock?: Clock;
  /** From 0 to 1. */
  random?: () => number;
  /** False: this process must not have clients now; upgrades are refused with 503. */
  mayServe?: () => boolean;
}

const NO_AUDIT: Audit = { write: () => true };

export interface WsDoor {
  /** Listens when it is told to. */
  readonly server: Server;
  /** The same over TLS, when there is a certificate. Listens when it is told to. */
  readonly tlsServer: Server | undefined;
  readonly stats: Readonly<WsStats>;
  stopAccepting(): void;
  /** Ends every client now, with the close code of `code`; when it returns nothing more is delivered to them. */
  closeClients(code: ErrorCode): void;
  /**
   * Finishes what was accepted and closes every client, spread over a part of `graceMs`; past `signal` at once. Resolves when all
   * are gone, what was told about them is stored, and the door's clock has stopped.
   */
  drain(context: { signal: AbortSignal; graceMs: number }): Promise<void>;
}

const TICK_MS = 1_000;
/** How long a client that is to say who it is may take for its first frame. */
const PROOF_TIMEOUT_MS = 10_000;
/** How long a client may take to answer our close frame. */
const CLOSE_TIMEOUT_MS = 10_000;
/** Pieces of one message that are kept while the rest is missing: a message of 1 MiB in pieces of 64 bytes passes. */
const MAX_PIECES = 16_384;
/** How often a drain looks whether everything is stored. */
const SETTLE_POLL_MS = 10;
/** Close codes with a count of their own: clients choose freely from 3000 up. */
const COUNTED_CODES = new Set([
  ...[1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013],
  ...[4401, 4403, 4409, 4429],
]);

const TOO_MANY: PublicError = {
  code: 'quota.exceeded',
  message: 'you have as many connections as you may have',
};

/** The WebSocket door: takes requests to upgrade, and holds what all its connections share. */
export function createWsDoor(options: WsDoorOptions): WsDoor {
  const { bus, delivery, desk, caller, mqtt, config, maxClientIdBytes, tracing, logger } = options;
  const {
    contracts = NO_CONTRACTS,
    identity = OPEN_IDENTITY,
    audit = NO_AUDIT,
    limits = NO_LIMITS,
    clock = systemClock,
    random = Math.random,
    mayServe = () => true,
  } = options;
  const stats = createStats();
  const clients = createClients({ pingIntervalMs: config.pingIntervalMs, now: clock.now, random });
  const events = createConnectionEvents(bus, options.service, stats);
  const rates = createMessageRates(limits);
  const gate = createPrincipalGate({ max: limits.connectionsPerPrincipal });
  const surroundings: Surroundings = {
    bus,
    delivery,
    contracts,
    desk,
    caller,
    frames: createMessageFrames(tracing),
    tracing,
    turn: createWriteTurn(),
    clock,
    stats,
    config,
    identity,
    audit,
    rates,
    limits: { maxRefusedInARow: config.maxRefusedInARow, topics: options.topics, maxClientIdBytes },
  };
  const entry = createEntry(identity, bus, clock);
  const loopback = isLoopback(config.host);
  const rules = { origins: config.origins, maxClientIdBytes };
  const admission = createAdmission({ identity, entry, rules, loopback });
  let draining = false;
  let upgrading = 0;
  let connections = 0;

  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Without context takeover, so that what is kept for a client between messages stays small [RFC7692-7.1.1].
    perMessageDeflate: config.compress && { serverNoContextTakeover: true, clientNoContextTakeover: true },
    maxPayload: config.maxMessageBytes,
    maxFragments: MAX_PIECES,
    maxBufferedChunks: MAX_PIECES,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: (offered) => chooseSubprotocol([...offered].join(','))?.name ?? false,
  } as ServerOptions);

  const admit = async (request: IncomingMessage): Promise<Admission> => {
    if (draining) return refusal('server.draining');
    if (!mayServe()) return refusal('bus.unavailable');
    if (clients.size + upgrading > config.maxConnections)
      return refusal('rate.limited', `${config.maxConnections} connections are open here`);
    return admission(request);
  };

  const upgrade = async (request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> => {
    upgrading++;
    const admitted = await admit(request);
    upgrading--;
    if (admitted.is === 'refused') {
      stats.refused++;
      logger.debug({ address: socket.remoteAddress, code: admitted.error.code }, 'upgrade refused');
      return refuseUpgrade(socket, admitted.error);
    }
    webSockets.handleUpgrade(request, socket, head, (ws) => serve(ws, socket, admitted));
  };

  const serve = (ws: WebSocket, socket: Socket, admitted: Admitted): void => {
    const address = socket.remoteAddress;
    const now = admitted.is === 'mqtt' ? 'connectionsMqtt' : 'connectionsTrivium';
    stats.accepted++;
    stats[now]++;
    ws.on('error', (err) => logger.debug({ address, err: err.message }, 'a WebSocket broke'));
    ws.on('close', (code) => {
      stats[now]--;
      const counted = COUNTED_CODES.has(code) ? String(code) : 'other';
      stats.closed[counted] = (stats.closed[counted] ?? 0) + 1;
    });
    switch (admitted.is) {
      case 'mqtt':
        return serveMqtt(ws, socket, admitted.principal);
      case 'turned away':
        clients.add(ws, socket, undefined);
        return turnAway(ws, admitted.error);
      case 'awaited':
        return clients.add(ws, socket, serveAwaited(ws, socket, admitted.entrant));
      case 'entered':
        return clients.add(ws, socket, serveTrivium(ws, socket, admitted.entrant, admitted.entered));
    }
  };

  const serveMqtt = (ws: WebSocket, socket: Socket, principal: Principal | undefined): void => {
    clients.add(ws, socket, undefined);
    const closeCode = (): number => (draining ? toWsClose('server.draining') : 1000);
    mqtt.accept(createMqttTransport(ws, socket, closeCode), mqttPeer(socket, loopback, principal));
  };

  const serveAwaited = (ws: WebSocket, socket: Socket, entrant: Entrant): Served =>
    awaitProof({
      ws,
      untilMs: clock.now() + PROOF_TIMEOUT_MS,
      enter: (credentials) => entry.enter(credentials, entrant),
      onEntered: (entered, id) => clients.hand(ws, serveTrivium(ws, socket, entrant, entered, id)),
    });

  /** Undefined: it was one too many. */
  const serveTrivium = (
    ws: WebSocket,
    socket: Socket,
    entrant: Entrant,
    entered: Entered,
    answers?: FrameId,
  ): Connection | undefined => {
    const { name } = entered.access.principal;
    if (!gate.enter(name)) return turnAway(ws, TOO_MANY);
    ws.on('close', () => gate.leave(name));
    const { id, assigned, source } = entrant;
    const client: Client = {
      ...{ id, assigned, address: source.address, connection: `${bus.incarnation}.${++connections}` },
      ...{ ...entered, answers, prove: (credentials) => entry.prove(credentials, entrant) },
    };
    const connection = openConnection(ws, socket, client, surroundings);
    if (!assigned) announce(ws, connection, client);
    return connection;
  };

  const turnAway = (ws: WebSocket, { code, message }: PublicError): undefined => {
    ws.close(toWsClose(code), closeReason(`${code}: ${message}`));
    ws.resume();
  };

  /** A client that took the id we made up for it is no device: nobody could ask for it later. */
  const announce = (ws: WebSocket, served: Connection, { id, connection, address }: Client): void => {
    const names = { client: id, connection, address: address === '' ? undefined : address };
    events.connected(names, clock.now());
    ws.on('close', (code) => {
      const reason =
        served.endReason ?? (code === 1006 ? 'connection lost' : `closed by the client (${code})`);
      events.disconnected(names, clock.now(), reason);
    });
  };

  const server = createUpgradeServer();
  const tlsServer = options.tls && createUpgradeServer(options.tls);
  const servers = [server, tlsServer].filter((one) => one !== undefined);
  for (const each of servers) {
    each.on('upgrade', (request, socket: Socket, head) => {
      // `close` follows and is what counts.
      socket.on('error', () => undefined);
      void upgrade(request, socket, head);
    });
    each.on('clientError', (error: NodeJS.ErrnoException, socket) => refuseMalformed(socket, error.code));
  }
  options.arrivals?.guard(server, { answer: tooMany });
  if (tlsServer !== undefined) options.arrivals?.guard(tlsServer, { tls: options.tls });

  const stopTicking = clock.every(TICK_MS, () => {
    clients.tick(clock.now());
    rates?.tick(clock.now());
  });
  const stopPressure = bus.publisher.onPressure(() => clients.reconsider());

  return {
    server,
    tlsServer,
    stats,
    stopAccepting() {
      draining = true;
      mqtt.stopAccepting();
      options.arrivals?.close();
      for (const each of servers) {
        each.close();
        each.closeIdleConnections();
      }
    },
    closeClients(code) {
      mqtt.closeClients(code);
      clients.closeAll(code);
    },
    async drain(context) {
      await Promise.all([mqtt.drain(context), clients.drain(context)]);
      while (bus.publisher.open > 0 && !context.signal.aborted) await sleep(SETTLE_POLL_MS);
      stopTicking();
      stopPressure();
    },
  };
}
