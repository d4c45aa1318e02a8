import type { StartedTestContainer } from 'testcontainers';
import { natsConfig } from './nats-config.ts';
import type { NatsBackend, NatsSettings } from './nats-server.ts';
import { waitFor } from './wait-for.ts';

export const NATS_IMAGE = 'nats:2.15.1-alpine';

const STORE = '/data';
const CONFIG = '/etc/nats/trivium.conf';

/**
 * A nats-server in a container. The store lives in the container, so it survives `kill` and `start` and goes
 * with the container; ports are published on 127.0.0.1 and stay the same over a restart.
 */
export async function natsContainer(settings: NatsSettings): Promise<NatsBackend> {
  // Loaded only here: it takes most of a second, and tests on the binary never need it.
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers');
  const { port, monitorPort } = settings;

  class LoopbackContainer extends GenericContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      for (const bindings of Object.values(
        this.hostConfig.PortBindings as Record<string, { HostIp?: string }[]>,
      )) {
        for (const binding of bindings) binding.HostIp = '127.0.0.1';
      }
    }
  }

  const values = { host: '0.0.0.0', port, monitorPort, storeDir: STORE };
  const image = new LoopbackContainer(process.env['TRIVIUM_TEST_NATS_IMAGE'] ?? NATS_IMAGE)
    .withExposedPorts({ container: port, host: port }, { container: monitorPort, host: monitorPort })
    .withCopyContentToContainer([{ content: natsConfig(values, settings.extraConfig), target: CONFIG }])
    .withCommand(['nats-server', '-c', CONFIG])
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/));

  let container: StartedTestContainer | undefined;
  const { container: runtime } = await getContainerRuntimeClient();
  const state = async () => (container ? runtime.inspect(runtime.getById(container.getId())) : undefined);
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    if (!(await state())?.State.Running || container === undefined) return;
    await runtime.getById(container.getId()).kill({ signal });
    await waitFor(async () => !(await state())?.State.Running, {
      timeoutMs: 10_000,
      message: 'the container to end',
    });
  };

  return {
    storeDir: STORE,
    host: '127.0.0.1',
    pid: () => undefined,
    start: async () => {
      if (container === undefined) container = await image.start();
      else await runtime.getById(container.getId()).start();
      await waitFor(settings.ready, { timeoutMs: 30_000, message: 'the container to be ready' });
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    log: async () => {
      const chunks: string[] = [];
      for await (const chunk of (await container?.logs()) ?? []) chunks.push(String(chunk));
      return chunks.join('');
    },
    remove: async () => void (await container?.stop()),
  };
}
