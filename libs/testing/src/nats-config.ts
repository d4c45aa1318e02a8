import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repoRoot } from './repo-root.ts';

/** What differs between one server and the next; given as flags, which win over the file. */
export interface NatsAddresses {
  host: string;
  port: number;
  monitorPort: number;
  storeDir: string;
}

/** The project's one configuration, `deploy/nats/nats.conf`, with `extra` lines after it. */
export async function natsConfig(extra = ''): Promise<string> {
  const text = await readFile(join(repoRoot(), 'deploy', 'nats', 'nats.conf'), 'utf8');
  return `${text}\n${extra}\n`;
}

export function natsFlags(config: string, at: NatsAddresses): string[] {
  return [
    '-c',
    config,
    '-a',
    at.host,
    '-p',
    String(at.port),
    '-m',
    String(at.monitorPort),
    '-sd',
    at.storeDir,
  ];
}
