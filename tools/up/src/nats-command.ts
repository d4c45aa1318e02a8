import { join } from 'node:path';
import type { Command } from './child.ts';
import { natsConfigFile } from './nats-files.ts';

export interface OwnNats {
  host: string;
  port: number;
  monitorPort: number;
}

export interface NatsFiles {
  /** The checkout. */
  root: string;
  dataDir: string;
  /** The executable. */
  server: string;
  logFile: string;
}

/** How nats-server is started: the configuration of `writeNatsFiles`, and by flags what differs between one hub and the next. */
export function natsCommand(nats: OwnNats, { root, dataDir, server, logFile }: NatsFiles): Command {
  const addresses = ['-a', nats.host, '-p', String(nats.port), '-m', String(nats.monitorPort)];
  return {
    command: server,
    args: ['-c', natsConfigFile(dataDir), ...addresses, '-sd', join(dataDir, 'nats')],
    cwd: root,
    env: process.env,
    logFile,
    tether: 'guard',
  };
}
