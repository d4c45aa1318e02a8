import { createServer, type Server } from 'node:net';
import { createTcpTransport, type MqttDoor } from '@trivium/mqtt';

/** Dead peers without a keep alive of their own are noticed by TCP, after this. */
const TCP_KEEPALIVE_MS = 60_000;

/** A server that hands each connection to the door; it does not listen yet. */
export function createTcpListener(door: Pick<MqttDoor, 'accept'>): Server {
  const options = {
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
  };
  return createServer(options, (socket) => {
    door.accept(createTcpTransport(socket), { address: socket.remoteAddress ?? '', kind: 'tcp' });
  });
}
