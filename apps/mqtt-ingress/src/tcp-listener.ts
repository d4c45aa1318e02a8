import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { provenCertificate } from '@trivium/identity';
import { isLoopback } from '@trivium/service';
import type { DoorTls } from '@trivium/tls';
import type { TcpDoor } from './engine.ts';

/** TCP itself notices a peer that is gone without a word after this, for clients that have no keep alive. */
const TCP_KEEPALIVE_MS = 60_000;
const SOCKET_OPTIONS = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: TCP_KEEPALIVE_MS,
} as const;
/** The name of MQTT in ALPN; a client that offers others and not this is refused in the handshake. */
const ALPN = 'mqtt';

/** A server that hands each connection to the door; it does not listen yet. `host` is where it will. */
export function createTcpListener(door: Pick<TcpDoor, 'accept'>, host: string): Server {
  return createServer(SOCKET_OPTIONS, (socket) => {
    const address = socket.remoteAddress ?? '';
    door.accept(socket, { address, kind: 'tcp', loopback: isLocal(host, address) });
  });
}

/** The same over TLS. */
export function createTlsListener(door: Pick<TcpDoor, 'accept'>, host: string, tls: DoorTls): Server {
  const options = { ...tls.options, ...SOCKET_OPTIONS, ALPNProtocols: [ALPN] };
  return createTlsServer(options, (socket: TLSSocket) => {
    const address = socket.remoteAddress ?? '';
    const certificate = provenCertificate(socket);
    door.accept(socket, {
      ...{ address, kind: 'tls', loopback: isLocal(host, address) },
      ...(certificate === undefined ? {} : { certificate }),
    });
  });
}

/** A balancer on this machine brings clients from others to a listener on loopback. */
const isLocal = (host: string, address: string): boolean => isLoopback(host) && isLoopback(address);
