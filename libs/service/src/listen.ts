import type { AddressInfo, Server } from 'node:net';
import { variableName } from './setting.ts';
import { StartError } from './start-error.ts';

export interface ListenOptions {
  host: string;
  port: number;
  /** What listens, for the message: `MQTT`, `the admin server`. */
  what: string;
  /** Path of the port's setting, `mqtt.port`. */
  setting: string;
  backlog?: number;
}

/**
 * Listens, and resolves to the port (that of `port`, or the free one taken for 0).
 * @throws StartError that names the address and the setting: the port is taken, not permitted, or not an address of this host
 */
export function listen(
  server: Server,
  { host, port, what, setting, backlog = 511 }: ListenOptions,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException) => {
      server.off('listening', listening);
      const hint = `set another with ${variableName(setting.split('.'))} (${setting})`;
      reject(new StartError(`${what} cannot listen on ${host}:${port}: ${reason(error)}; ${hint}`, error));
    };
    const listening = () => {
      server.off('error', refused);
      resolve((server.address() as AddressInfo).port);
    };
    server.once('error', refused);
    server.once('listening', listening);
    server.listen({ host, port, backlog });
  });
}

function reason(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'the port is taken by another program';
    case 'EACCES':
      return 'this user may not use the port';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'this host has no such address';
    default:
      return error.message;
  }
}
