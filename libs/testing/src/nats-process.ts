import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { natsConfig } from './nats-config.ts';
import type { NatsBackend, NatsSettings } from './nats-server.ts';
import { startProcess, type StartedProcess } from './process.ts';
import { tempDir } from './temp-dir.ts';

/** A nats-server as a child process; its store is a temporary folder unless one is given. */
export async function natsProcess(binary: string, settings: NatsSettings): Promise<NatsBackend> {
  const folder = await tempDir('trivium-nats-');
  const storeDir = settings.storeDir ?? join(folder.path, 'store');
  const config = join(folder.path, 'nats.conf');
  const values = { host: '127.0.0.1', port: settings.port, monitorPort: settings.monitorPort, storeDir };
  await writeFile(config, natsConfig(values, settings.extraConfig));

  let running: StartedProcess | undefined;
  return {
    storeDir,
    host: '127.0.0.1',
    pid: () => running?.pid,
    start: async () => {
      running = await startProcess({ command: binary, args: ['-c', config], ready: settings.ready });
    },
    kill: async () => void (await running?.kill('SIGKILL')),
    stop: async () => void (await running?.stop()),
    log: async () => running?.output() ?? '',
    remove: () => folder.remove(),
  };
}
