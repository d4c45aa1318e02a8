import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findNatsBinary, freePorts, startProcess, tempDir } from '@trivium/testing';
import { ended } from './alive.ts';
import { answers } from './answers.ts';
import type { Peer } from './broker.ts';

/** The MQTT listener that nats-server itself has, with everything else at its defaults. */
export function natsMqtt(): Peer {
  return {
    name: 'nats',
    describe: async () => {
      const command = await findNatsBinary();
      return command === undefined
        ? undefined
        : `${await natsVersion(command)}, its own MQTT listener, file storage`;
    },
    start: async () => {
      await using starting = new AsyncDisposableStack();
      const folder = starting.use(await tempDir('trivium-bench-'));
      const [port = 0, mqttPort = 0] = await freePorts(2);
      const file = join(folder.path, 'nats.conf');
      await writeFile(
        file,
        `server_name: bench
listen: "127.0.0.1:${port}"
jetstream { store_dir: ${JSON.stringify(join(folder.path, 'store'))} }
mqtt { listen: "127.0.0.1:${mqttPort}" }
`,
      );
      const command = (await findNatsBinary()) ?? 'nats-server';
      const broker = starting.use(
        await startProcess({ command, args: ['-c', file], ready: () => answers(mqttPort) }),
      );
      const at = { host: '127.0.0.1', port: mqttPort };
      const running = starting.move();
      return {
        target: { publishAt: at, subscribeAt: at },
        pids: [broker.pid],
        problem: () => ended({ 'nats-server': broker }),
        [Symbol.asyncDispose]: () => running.disposeAsync(),
      };
    },
  };
}

export async function natsVersion(command: string): Promise<string> {
  const { stdout } = await promisify(execFile)(command, ['--version']);
  return stdout.trim().replace(': v', ' ');
}
