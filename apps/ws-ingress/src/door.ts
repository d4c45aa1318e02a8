import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, publicError, toWsClose, type ErrorCode, type PublicError } from '@trivium/contracts';
import type { Bus, Logger } from '@trivium/bus';
import type { CommandCaller, CommandDesk } from '@trivium/commands';
import type { Delivery } from '@trivium/delivery';
import { NO_CONTRACTS, type MessageContracts } from '@trivium/message-contracts';
import type { MqttDoor } from '@trivium/mqtt';
import type { MessageTracing } from '@trivium/telemetry';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { createClients } from './clients.ts';
import { systemClock, type Clock } from './clock.ts';
import type { WsConfig } from './config.ts';
import { createConnectionEvents } from './connection-events.ts';
import { openConnection, type Connection, type Surroundings } from './connection.ts';
import { createMessageFrames } from './message-frames.ts';
import { createMqttTransport } from './mqtt-transport.ts';
import { PROBLEM_JSON, problemOf, refuseMalformed, refuseUpgrade } from './refuse-upgrade.ts';
import type { SessionLimits } from './session.ts';
import { createStats, type WsStats } from './stats.ts';
import { chooseSubprotocol } from './subprotocol.ts';
import { readUpgrade, type Upgrade } from './upgrade.ts';
import { createWriteTurn } from './write-turn.ts';

export interface WsDoorOptions {
  bus: Pick<Bus, 'publisher' | 'retain' | 'incarnation' | 'lastPos' | 'live' | 'up'>;
  delivery: Delivery;
  /** Brings commands to the clients; shared with the MQTT door. */
  desk: CommandDesk;
  /** Sends those of the clients. */
  caller: CommandCaller;
  /** Serves the clients that speak MQTT; the door drains it. */
  mqtt: Pick<MqttDoor, 'accept' | 'stopAccepting' | 'closeClients' | 'drain'>;
  /** What the site expects of messages; nothing unless given. */
  contracts?: MessageContracts;
  config: WsConfig;
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

export interface WsDoor {
  /** Listens when it is told to. */
  readonly server: Server;
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
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How long a client may take to answer our close frame. */
const CLOSE_TIMEOUT_MS = 10_000;
/** Pieces of one message that are kept while the rest is missing: a message of 1 MiB in pieces of 64 bytes passes. */
const MAX_PIECES = 16_384;
const RETRY_AFTER_MS = 2_000;
/** How often a drain looks whether everything is stored. */
const SETTLE_POLL_MS = 10;
/** Close codes with a count of their own: clients choose freely from 3000 up. */
const COUNTED_CODES = new Set([1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013]);

interface Admitted extends Upgrade {
  /** The end of the log now. */
  readonly pos: number;
}
type Admission = Admitted | { readonly error: PublicError };

function refusal(code: ErrorCode): Admission {
  return { error: { code, message: ERRORS[code].summary, retryAfterMs: RETRY_AFTER_MS } };
}

/** The WebSocket door: takes requests to upgrade, and holds what all its connections share. */
export function createWsDoor(options: WsDoorOptions): WsDoor {
  const { bus, delivery, desk, caller, mqtt, config, maxClientIdBytes, tracing, logger } = options;
  const {
    contracts = NO_CONTRACTS,
    clock = systemClock,
    random = Math.random,
    mayServe = () => true,
  } = options;
  const stats = createStats();
  const clients = createClients({ pingIntervalMs: config.pingIntervalMs, now: clock.now, random });
  const events = createConnectionEvents(bus, options.service, stats);
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
    limits: { maxRefusedInARow: config.maxRefusedInARow, topics: options.topics, maxClientIdBytes },
  };
  const rules = { origins: config.origins, maxClientIdBytes };
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
    if (clients.size + upgrading > config.maxConnections) {
      const message = `${config.maxConnections} connections are open here`;
      return { error: { code: 'rate.limited', message, retryAfterMs: RETRY_AFTER_MS } };
    }
    const upgrade = readUpgrade(request, rules);
    if (!upgrade.ok) return upgrade;
    if (upgrade.value.subprotocol.speaks === 'mqtt') return { ...upgrade.value, pos: 0 };
    try {
      return { ...upgrade.value, pos: await bus.lastPos('MESSAGES') };
    } catch (error) {
      return { error: { retryAfterMs: RETRY_AFTER_MS, ...publicError(error) } };
    }
  };

  const upgrade = async (request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> => {
    upgrading++;
    const admission = await admit(request);
    upgrading--;
    if ('error' in admission) {
      stats.refused++;
      logger.debug({ address: socket.remoteAddress, code: admission.error.code }, 'upgrade refused');
      return refuseUpgrade(socket, admission.error);
    }
    webSockets.handleUpgrade(request, socket, head, (ws) => serve(ws, socket, admission));
  };

  const serve = (ws: WebSocket, socket: Socket, admitted: Admitted): void => {
    const address = socket.remoteAddress;
    const mqttSpoken = admitted.subprotocol.speaks === 'mqtt';
    const now = mqttSpoken ? 'connectionsMqtt' : 'connectionsTrivium';
    stats.accepted++;
    stats[now]++;
    ws.on('error', (err) => logger.debug({ address, err: err.message }, 'a WebSocket broke'));
    ws.on('close', (code) => {
      stats[now]--;
      const counted = COUNTED_CODES.has(code) ? String(code) : 'other';
      stats.closed[counted] = (stats.closed[counted] ?? 0) + 1;
    });
    if (mqttSpoken) {
      clients.add(ws, socket, undefined);
      const closeCode = (): number => (draining ? toWsClose('server.draining') : 1000);
      return mqtt.accept(createMqttTransport(ws, socket, closeCode), { address: address ?? '', kind: 'ws' });
    }
    const { clientId, pos } = admitted;
    const id = clientId ?? `ws-${randomBytes(9).toString('base64url')}`;
    const connection = openConnection(
      ws,
      socket,
      { id, assigned: clientId === undefined, pos },
      surroundings,
    );
    clients.add(ws, socket, connection);
    if (clientId !== undefined) announce(ws, connection, clientId, address);
  };

  /** A client that took the id we made up for it is no device: nobody could ask for it later. */
  const announce = (
    ws: WebSocket,
    connection: Connection,
    client: string,
    address: string | undefined,
  ): void => {
    const names = { client, connection: `${bus.incarnation}.${++connections}`, address };
    events.connected(names, clock.now());
    ws.on('close', (code) => {
      const reason =
        connection.endReason ?? (code === 1006 ? 'connection lost' : `closed by the client (${code})`);
      events.disconnected(names, clock.now(), reason);
    });
  };

  const server = createServer(
    {
      requestTimeout: HANDSHAKE_TIMEOUT_MS,
      headersTimeout: HANDSHAKE_TIMEOUT_MS,
      connectionsCheckingInterval: 2_000,
    },
    (_request, response) => {
      const problem = problemOf(
        { code: 'protocol.unsupported', message: 'this port speaks WebSocket only' },
        426,
      );
      const headers = { upgrade: 'websocket', connection: 'Upgrade, close', 'content-type': PROBLEM_JSON };
      response.writeHead(426, headers).end(problem);
    },
  );
  server.on('upgrade', (request, socket: Socket, head) => {
    // `close` follows and is what counts.
    socket.on('error', () => undefined);
    void upgrade(request, socket, head);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuseMalformed(socket, error.code));

  const stopTicking = clock.every(TICK_MS, () => clients.tick(clock.now()));
  const stopPressure = bus.publisher.onPressure(() => clients.reconsider());

  return {
    server,
    stats,
    stopAccepting() {
      draining = true;
      mqtt.stopAccepting();
      server.close();
      server.closeIdleConnections();
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
