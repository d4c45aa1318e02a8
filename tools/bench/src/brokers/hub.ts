import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findNatsBinary, freePorts, startNats, startProcess } from '@trivium/testing';
import { ended } from './alive.ts';
import type { Peer } from './broker.ts';
import { natsVersion } from './nats-mqtt.ts';

const ENTRY = join('apps', 'mqtt-ingress', 'src', 'main.ts');

/** The hub: a NATS of its own and two mqtt-ingress processes, one to publish at, one to subscribe at. */
export function hub(root: string): Peer {
  return {
    name: 'hub',
    describe: async () => {
      const command = await findNatsBinary();
      if (command === undefined || !existsSync(join(root, ENTRY))) return undefined;
      return `two mqtt-ingress processes on Node ${process.versions.node} over ${await natsVersion(command)}`;
    },
    start: async () => {
      await using starting = new AsyncDisposableStack();
      // Its processes are what is measured: never a container, whose processes cannot be seen.
      const nats = starting.use(await startNats({ mode: 'binary' }));
      const doors = await Promise.all(
        [1, 2].map(async () => {
          const [port = 0, adminPort = 0] = await freePorts(2);
          const door = starting.use(await startDoor(root, nats.url, port, adminPort));
          return { process: door, at: { host: '127.0.0.1', port } };
        }),
      );
      const [publish, subscribe] = doors as [(typeof doors)[0], (typeof doors)[0]];
      const natsPid = nats.pid();
      const running = starting.move();
      return {
        target: { publishAt: publish.at, subscribeAt: subscribe.at },
        pids: [...(natsPid === undefined ? [] : [natsPid]), publish.process.pid, subscribe.process.pid],
        problem: () =>
          nats.pid() === undefined
            ? 'nats-server ended'
            : ended({ 'the publishing door': publish.process, 'the subscribing door': subscribe.process }),
        [Symbol.asyncDispose]: () => running.disposeAsync(),
      };
    },
  };
}

function startDoor(root: string, natsUrl: string, port: number, adminPort: number) {
  return startProcess({
    command: process.execPath,
    args: [ENTRY],
    cwd: root,
    env: {
      TRIVIUM_NATS_URL: natsUrl,
      TRIVIUM_MQTT_HOST: '127.0.0.1',
      TRIVIUM_MQTT_PORT: String(port),
      TRIVIUM_ADMIN_PORT: String(adminPort),
      TRIVIUM_MQTT_ENGINE: undefined,
    },
    ready: async () => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok,
    readyTimeoutMs: 30_000,
  });
}
