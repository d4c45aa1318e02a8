import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { provenCertificate, type Principal } from '@trivium/identity';
import type { Peer } from '@trivium/mqtt';
import { isLoopback } from '@trivium/service';

/** Who is on the other side of the WebSocket on this socket; `principal`: who the upgrade proved to be from. */
export function mqttPeer(socket: Socket, loopback: boolean, principal: Principal | undefined): Peer {
  const { remoteAddress: address = '' } = socket;
  const certificate = provenCertificate(socket);
  return {
    address,
    kind: socket instanceof TLSSocket ? 'wss' : 'ws',
    // A balancer on this machine brings clients from others to a listener on loopback.
    loopback: loopback && isLoopback(address),
    ...(certificate === undefined ? {} : { certificate }),
    ...(principal === undefined ? {} : { principal }),
  };
}
