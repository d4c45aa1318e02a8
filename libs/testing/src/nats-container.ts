import type { StartedTestContainer } from 'testcontainers';
import { containerEngine } from './container-engine.ts';
import { natsConfig, natsFlags } from './nats-config.ts';
import type { NatsBackend, NatsSettings } from './nats-server.ts';
import { waitFor } from './wait-for.ts';

export const NATS_IMAGE = 'nats:2.15.1-alpine';

const STORE = '/data';
const CONFIG = '/etc/nats/trivium.conf';
const INSIDE = { host: '0.0.0.0', port: 4222, monitorPort: 8222, storeDir: STORE };

/**
 * A nats-server in a container. The store lives in the container, so it survives `kill` and `start` and goes
 * with the container; ports are published on 127.0.0.1 only and stay the same over a restart.
 */
export async function natsContainer(settings: NatsSettings): Promise<NatsBackend> {
  if ((await containerEngine()) === undefined) {
    throw new Error(
      'no container engine answers: start one, set DOCKER_HOST, or use TRIVIUM_TEST_NATS=binary',
    );
  }
  // Loaded only here: it is large, and tests on the binary never need it.
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers');

  class LoopbackContainer extends GenericContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      const published = this.hostConfig.PortBindings as Record<string, { HostIp?: string }[]>;
      for (const binding of Object.values(published).flat()) binding.HostIp = '127.0.0.1';
    }
  }

  const image = new LoopbackContainer(NATS_IMAGE)
    .withExposedPorts(
      { container: INSIDE.port, host: settings.port },
      { container: INSIDE.monitorPort, host: settings.monitorPort },
    )
    .withCopyContentToContainer([{ content: await natsConfig(settings.extraConfig), target: CONFIG }])
    .withCommand(natsFlags(CONFIG, INSIDE))
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/));

  const { container: runtime } = await getContainerRuntimeClient();
  let container: StartedTestContainer | undefined;
  const isRunning = async (id: string) => (await runtime.inspect(runtime.getById(id))).State.Running;
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    const id = container?.getId();
    if (id === undefined || !(await isRunning(id))) return;
    await runtime.getById(id).kill({ signal });
    await waitFor(async () => !(await isRunning(id)), { timeoutMs: 10_000, message: 'the container to end' });
  };

  return {
    storeDir: STORE,
    pid: () => undefined,
    start: async () => {
      if (container === undefined) container = await image.start();
      else await runtime.getById(container.getId()).start();
      await waitFor(settings.ready, { timeoutMs: 30_000, message: 'the container to be ready' });
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    log: async () => {
      const id = container?.getId();
      if (id === undefined) return '';
      return demultiplexed(await runtime.getById(id).logs({ stdout: true, stderr: true, follow: false }));
    },
    remove: async () => {
      await container?.stop();
      container = undefined;
    },
  };
}

/** Docker sends logs in frames: stream (1 byte), 3 zero bytes, length (4 bytes), text. */
function demultiplexed(frames: Buffer): string {
  const texts: string[] = [];
  for (let at = 0; at + 8 <= frames.length;) {
    const end = at + 8 + frames.readUInt32BE(at + 4);
    texts.push(frames.toString('utf8', at + 8, end));
    at = end;
  }
  return texts.join('');
}
