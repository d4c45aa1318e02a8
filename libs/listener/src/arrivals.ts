import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '@trivium/bus';
import { createSourceGate, type LimitsConfig, type SourceRefusal } from '@trivium/limits';
import type { DoorTls } from '@trivium/tls';
import { systemClock, type Clock } from '@trivium/clock';
import type { ProxyConfig } from './config.ts';
import { createHandshakes } from './handshakes.ts';
import { createProxySources } from './proxy-sources.ts';
import { putBefore } from './put-before.ts';
import { createListenerStats, type ListenerStats } from './stats.ts';
import { takeProxyHeader, type TakenHeader } from './take-proxy-header.ts';

export interface ArrivalsOptions {
  proxy: ProxyConfig;
  limits: LimitsConfig;
  /** For the PROXY header and the TLS handshake together. */
  handshakeTimeoutMs: number;
  logger: Logger;
  clock?: Clock;
}

export interface GuardOptions {
  /** Of a server of node:tls, node:https or node:http2. */
  tls?: DoorTls | undefined;
  /** What is said to a client over a limit, where the protocol has words for that before the client has said anything. */
  answer?: (refusal: SourceRefusal) => string;
}

/** What happens to connections between the listener and the protocol. One per process: all its listeners count together. */
export interface Arrivals {
  readonly stats: Readonly<ListenerStats>;
  /**
   * Puts all of it before what the server does with a connection: PROXY header, limits of the source, TLS handshake and certificate. The
   * server then sees the client's address as `remoteAddress`. For a server that is complete and does not listen yet.
   */
  guard(server: Server, options?: GuardOptions): void;
  /** Closes the connections that are not the protocol's yet, and every new one. */
  close(): void;
}

const TICK_MS = 1_000;

export function createArrivals({
  proxy,
  limits,
  handshakeTimeoutMs,
  logger,
  clock = systemClock,
}: ArrivalsOptions): Arrivals {
  const stats = createListenerStats();
  const isProxy = createProxySources(proxy);
  const gate = createSourceGate(limits);
  const handshakes = createHandshakes({ timeoutMs: handshakeTimeoutMs, max: limits.maxHandshakes, stats });
  const secured = new Set<DoorTls>();
  let closed = false;

  const stopTicking = clock.every(TICK_MS, () => {
    const nowMs = clock.now();
    handshakes.tick(nowMs);
    gate.tick(nowMs);
    for (const tls of secured) tls.tick(nowMs);
  });

  const arrive = (socket: Socket, goOn: () => void, options: GuardOptions): void => {
    const { remoteAddress: address } = socket;
    socket.on('error', ignore);
    if (closed || address === undefined) return void socket.destroy();
    if (!isProxy(address)) return admit(socket, address, goOn, options);
    socket.once('close', () => handshakes.end(socket));
    handshakes.begin(socket, clock.now());
    takeProxyHeader(socket, (header) => proxied(socket, address, header, goOn, options));
  };

  const proxied = (
    socket: Socket,
    proxyAddress: string,
    header: TakenHeader,
    goOn: () => void,
    options: GuardOptions,
  ): void => {
    if (socket.destroyed) return;
    if (header.kind === 'malformed') {
      stats.proxyRefused++;
      logger.debug({ address: proxyAddress, reason: header.reason }, 'a connection of a balancer is refused');
      return void socket.destroy();
    }
    const { address = proxyAddress, port } = header.client ?? {};
    if (port !== undefined) comesFrom(socket, address, port);
    admit(socket, address, goOn, options);
  };

  const admit = (socket: Socket, address: string, goOn: () => void, { tls, answer }: GuardOptions): void => {
    const refusal = gate.enter(address, clock.now());
    if (refusal !== undefined)
      return refuse(socket, address, refusal, tls === undefined ? answer : undefined);
    socket.once('close', () => {
      gate.leave(address);
      handshakes.end(socket);
    });
    if (tls === undefined) handshakes.end(socket);
    else handshakes.begin(socket, clock.now());
    goOn();
  };

  const refuse = (
    socket: Socket,
    address: string,
    refusal: SourceRefusal,
    answer: GuardOptions['answer'],
  ): void => {
    stats.overLimit[refusal.limit] = (stats.overLimit[refusal.limit] ?? 0) + 1;
    logger.debug({ address, ...refusal }, 'a connection is over a limit of its source');
    // Who is refused must not take the places of those who shake hands.
    if (answer === undefined || handshakes.size >= limits.maxHandshakes / 2) return void socket.destroy();
    socket.once('close', () => handshakes.end(socket));
    handshakes.begin(socket, clock.now());
    socket.end(answer(refusal));
    // What it has still to say would reset the connection before it has read the answer [RFC9112-9.6].
    socket.resume();
  };

  const secure = (socket: TLSSocket, goOn: () => void, tls: DoorTls): void => {
    const under = socketUnder(socket);
    const { remoteAddress: address, remotePort: port } = under;
    if (address !== undefined && port !== undefined && address !== socket.remoteAddress)
      comesFrom(socket, address, port);
    const reason = tls.admit(socket);
    if (reason === undefined) {
      handshakes.end(under);
      return goOn();
    }
    stats.certificatesRefused++;
    logger.debug({ address, reason }, 'a client is put out after its handshake');
    socket.on('error', ignore);
    socket.destroySoon();
  };

  return {
    stats,
    guard(server, options = {}) {
      const { tls } = options;
      putBefore<Socket>(server, 'connection', (socket, goOn) => arrive(socket, goOn, options));
      if (tls === undefined) return;
      secured.add(tls);
      tls.follow(server as import('node:tls').Server);
      putBefore<TLSSocket>(server, 'secureConnection', (socket, goOn) => secure(socket, goOn, tls));
      server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
        stats.handshakesFailed++;
        logger.debug({ address: socket.remoteAddress, code: error.code }, 'a TLS handshake failed');
      });
    },
    close() {
      closed = true;
      stopTicking();
      handshakes.closeAll();
    },
  };
}

/** `close` follows every error and is what counts. */
function ignore(): void {}

/** From here on the socket says that it comes from there. */
function comesFrom(socket: Socket, address: string, port: number): void {
  Object.defineProperties(socket, { remoteAddress: { value: address }, remotePort: { value: port } });
}

/** The TCP socket that a TLS socket of a server was made of. Node has no public name for it. */
function socketUnder(socket: TLSSocket): Socket {
  return (socket as TLSSocket & { readonly _parent: Socket })._parent;
}
