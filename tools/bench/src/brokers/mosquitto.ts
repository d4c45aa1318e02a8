import { execFile } from 'node:child_process';
import { access, constants, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, startProcess, tempDir } from '@trivium/testing';
import { ended } from './alive.ts';
import { answers } from './answers.ts';
import type { Peer } from './broker.ts';

/** Without limits on what it queues, so that it does not drop what the others deliver. */
function config(port: number): string {
  return `listener ${port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 0
persistence false
log_dest stderr
log_type error
log_type warning
`;
}

/** Mosquitto as the system has it. */
export function mosquitto(env: Readonly<Record<string, string | undefined>>): Peer {
  return {
    name: 'mosquitto',
    describe: async () => {
      const command = await find(env);
      if (command === undefined) return undefined;
      // It prints its version and help, and calls that a failure.
      const help = await promisify(execFile)(command, ['-h']).catch((error: { stdout?: string }) => error);
      return `mosquitto ${/version (\S+)/.exec(help.stdout ?? '')?.[1] ?? '(unknown version)'}, persistence off`;
    },
    start: async () => {
      await using starting = new AsyncDisposableStack();
      const folder = starting.use(await tempDir('trivium-bench-'));
      const port = await freePort();
      const file = join(folder.path, 'mosquitto.conf');
      await writeFile(file, config(port));
      const command = (await find(env)) ?? 'mosquitto';
      const broker = starting.use(
        await startProcess({ command, args: ['-c', file], ready: () => answers(port) }),
      );
      const at = { host: '127.0.0.1', port };
      const running = starting.move();
      return {
        target: { publishAt: at, subscribeAt: at },
        pids: [broker.pid],
        problem: () => ended({ mosquitto: broker }),
        [Symbol.asyncDispose]: () => running.disposeAsync(),
      };
    },
  };
}

/** Debian puts it where the PATH of a plain user does not look. */
async function find(env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  const folders = [
    ...(env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
    '/opt/homebrew/sbin',
  ];
  for (const folder of folders.filter(Boolean)) {
    const path = join(folder, 'mosquitto');
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}
