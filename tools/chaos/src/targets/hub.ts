import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, startNats, startProcess, type NatsServer, type StartedProcess } from '@trivium/testing';
import type { Door } from '../clients/client.ts';
import type { Part } from '../harm/outages.ts';
import type { Service, Target } from './target.ts';

/**
 * The processes of the tool's own hub: NATS on the project's configuration (sync_interval), two doors to be harmed, one that is
 * not, a router. Not by the launcher: its back-off would make the waits longer with each kill.
 */
export async function startHub(root: string, dataDir: string): Promise<Target> {
  await using starting = new AsyncDisposableStack();
  const logDir = join(dataDir, 'logs');
  await mkdir(logDir, { recursive: true });
  // Its process is killed: never a container.
  const nats = starting.use(await startNats({ mode: 'binary', storeDir: join(dataDir, 'nats') }));
  const log = (part: string, text: string): Promise<void> =>
    appendFile(join(logDir, `${part.replace(' ', '-')}.log`), text);

  const door = async (part: Part): Promise<{ door: Door; service: RunningService }> => {
    const [port = 0, admin = 0] = await freePorts(2);
    const env = {
      TRIVIUM_MQTT_HOST: '127.0.0.1',
      TRIVIUM_MQTT_PORT: String(port),
      TRIVIUM_MQTT_ENGINE: undefined,
    };
    const main = join('apps', 'mqtt-ingress', 'src', 'main.ts');
    const service = nodeService({ part, main, admin, env });
    return { door: { part, address: { host: '127.0.0.1', port } }, service };
  };

  const nodeService = (options: {
    part: Part;
    main: string;
    admin: number;
    env: Record<string, string | undefined>;
  }): RunningService => {
    const { part, main, admin, env } = options;
    return runService(part, log, () =>
      startProcess({
        command: process.execPath,
        args: [main],
        cwd: root,
        env: {
          ...env,
          TRIVIUM_NATS_URL: nats.url,
          TRIVIUM_DATA_DIR: dataDir,
          TRIVIUM_ADMIN_PORT: String(admin),
        },
        ready: async () => (await fetch(`http://127.0.0.1:${admin}/readyz`)).ok,
        readyTimeoutMs: 120_000,
        stopTimeoutMs: 20_000,
      }),
    );
  };

  const [first, second, observer] = await Promise.all([door('door 0'), door('door 1'), door('observer')]);
  const [admin = 0] = await freePorts(1);
  const main = join('apps', 'router', 'src', 'main.ts');
  const router = nodeService({ part: 'router', main, admin, env: {} });
  const own = [first.service, second.service, observer.service, router];
  for (const service of own) starting.use(service);
  await Promise.all(own.map((service) => service.start()));
  const running = starting.move();
  return {
    name: 'the hub',
    doors: [first.door, second.door],
    observer: observer.door,
    services: [first.service, second.service, router, natsService(nats, log), observer.service],
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

type Log = (part: string, text: string) => Promise<void>;
type RunningService = Service & AsyncDisposable;

function runService(part: Part, log: Log, launch: () => Promise<StartedProcess>): RunningService {
  let running: StartedProcess | undefined;
  const keepLog = async (): Promise<void> => log(part, running?.output() ?? '');
  return {
    part,
    async kill() {
      await running?.kill('SIGKILL');
      await keepLog();
      running = undefined;
    },
    async start() {
      running = await launch();
    },
    freeze: () => signal(running, 'SIGSTOP'),
    thaw: () => signal(running, 'SIGCONT'),
    problem() {
      const exit = running?.exit();
      return exit && `${part} ended (${exit.signal ?? exit.code}):\n${running?.output().slice(-2_000)}`;
    },
    async [Symbol.asyncDispose]() {
      signal(running, 'SIGCONT');
      await running?.stop();
      await keepLog();
    },
  };
}

function signal(running: StartedProcess | undefined, name: 'SIGSTOP' | 'SIGCONT'): void {
  if (running !== undefined && running.exit() === undefined) process.kill(running.pid, name);
}

function natsService(nats: NatsServer, log: Log): Service {
  let killed = false;
  return {
    part: 'nats',
    async kill() {
      killed = true;
      await nats.kill();
      await log('nats', await nats.log());
    },
    async start() {
      await nats.restart();
      killed = false;
    },
    problem: () => (killed || nats.pid() !== undefined ? undefined : 'nats-server ended'),
  };
}
