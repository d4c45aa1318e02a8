import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findNatsBinary, freePorts, startNats } from '@trivium/testing';
import { ended } from './alive.ts';
import type { Peer } from './broker.ts';
import { natsVersion } from './nats-mqtt.ts';
import { createGuard } from './guarded-hub.ts';
import { serviceEntry, startDoor } from './service-process.ts';

/**
 * The hub: a NATS of its own and two mqtt-ingress processes, one to publish at, one to subscribe at. `hub5`: its clients speak MQTT 5.
 * `hub-guarded`: its clients are held to a policy that does not allow everything, and its services to what their keys allow at NATS.
 */
export function hub(root: string, name: 'hub' | 'hub5' | 'hub-guarded' = 'hub'): Peer {
  return {
    name,
    describe: async () => {
      const command = await findNatsBinary();
      if (command === undefined || !existsSync(join(root, serviceEntry('mqtt-ingress')))) return undefined;
      return `two mqtt-ingress processes on Node ${process.versions.node} over ${await natsVersion(command)}`;
    },
    start: async () => {
      await using starting = new AsyncDisposableStack();
      // Its processes are what is measured: never a container, whose processes cannot be seen.
      const guard = name === 'hub-guarded' ? starting.use(await createGuard()) : undefined;
      const nats = starting.use(
        await startNats({
          mode: 'binary',
          ...(guard && { extraConfig: guard.natsConfig }),
        }),
      );
      const nkeyFile = guard?.keyOf('mqtt-ingress');
      const doors = await Promise.all(
        [1, 2].map(async () => {
          const [port = 0, adminPort = 0] = await freePorts(2);
          const door = starting.use(await startDoor({ root, natsUrl: nats.url, nkeyFile, port, adminPort }));
          return { process: door, at: { host: '127.0.0.1', port } };
        }),
      );
      await guard?.storePolicy(root, nats.url);
      const [publish, subscribe] = doors as [(typeof doors)[0], (typeof doors)[0]];
      const natsPid = nats.pid();
      const running = starting.move();
      return {
        target: {
          ...{ publishAt: publish.at, subscribeAt: subscribe.at },
          ...(name === 'hub5' ? { level: 5 as const } : {}),
        },
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
