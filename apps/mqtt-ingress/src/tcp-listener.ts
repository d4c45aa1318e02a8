import { createServer, type Server } from 'node:net';
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
  return createServer(options, (socket) =>
    door.accept(socket, { address: socket.remoteAddress ?? '', kind: 'tcp' }),
  );
}
