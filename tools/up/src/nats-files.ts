import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { keyFile, prepareNats } from '@trivium/nats-access';

/** Written into the data directory for the NATS that the launcher starts. */
export function natsConfigFile(dataDir: string): string {
  return join(dataDir, 'nats', 'nats-server.conf');
}

/**
 * What that NATS is started with: the project's configuration and beside it `auth.conf`, by which it lets in nobody but the services. All of it is
 * written anew at each start but the keys, which are made once.
 */
export function writeNatsFiles(root: string, dataDir: string): void {
  const config = natsConfigFile(dataDir);
  mkdirSync(dirname(config), { recursive: true });
  prepareNats({
    keyOf: (user) => keyFile(dataDir, user),
    authFile: join(dirname(config), 'auth.conf'),
  });
  const text = readFileSync(join(root, 'deploy/nats/nats.conf'), 'utf8');
  writeFileSync(config, `${text}\ninclude 'auth.conf'\n`);
}
