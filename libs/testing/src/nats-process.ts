import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { natsConfig, natsFlags } from './nats-config.ts';
import type { NatsBackend, NatsSettings } from './nats-server.ts';
import { startProcess, type StartedProcess } from './process.ts';
import { tempDir } from './temp-dir.ts';

/** A nats-server as a child process; its store is a temporary folder unless one is given. */
export async function natsProcess(binary: string, settings: NatsSettings): Promise<NatsBackend> {
  const { port, monitorPort, ready } = settings;
  const folder = await tempDir('trivium-nats-');
  const storeDir = settings.storeDir ?? join(folder.path, 'store');
  const config = join(folder.path, 'nats.conf');
  await writeFile(config, await natsConfig(settings.extraConfig));
  const args = natsFlags(config, { host: '127.0.0.1', port, monitorPort, storeDir });

  let running: StartedProcess | undefined;
  return {
    storeDir,
    pid: () => (running?.exit() === undefined ? running?.pid : undefined),
    start: async () => {
      running = await startProcess({ command: binary, args, ready });
    },
    kill: async () => void (await running?.kill('SIGKILL')),
    stop: async () => void (await running?.stop()),
    log: async () => running?.output() ?? '',
    remove: () => folder.remove(),
  };
}
