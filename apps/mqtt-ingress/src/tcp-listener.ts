import { createServer, type AddressInfo, type Server } from 'node:net';
import { isLoopback } from '@trivium/service';
import type { TcpDoor } from './engine.ts';

/** TCP itself notices a peer that is gone without a word after this, for clients that have no keep alive. */
const TCP_KEEPALIVE_MS = 60_000;

/** A server that hands each connection to the door; it does not listen yet. */
export function createTcpListener(door: Pick<TcpDoor, 'accept'>): Server {
  const options = {
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
  };
  let loopback = false;
  const server = createServer(options, (socket) =>
    door.accept(socket, { address: socket.remoteAddress ?? '', kind: 'tcp', loopback }),
  );
  server.on('listening', () => {
    loopback = isLoopback((server.address() as AddressInfo).address);
  });
  return server;
}
