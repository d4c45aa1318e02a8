import { freePorts, startNats } from '@trivium/testing';
import { ended } from '../brokers/alive.ts';
import { startDoor, startService } from '../brokers/service-process.ts';
import type { Address } from '../generator/plan.ts';
import { readMetric } from './read-metric.ts';

/** A hub whose router can be lost. */
export interface Site extends AsyncDisposable {
  readonly doors: readonly Address[];
  readonly natsUrl: string;
  /** By name: those whose CPU time is its cost, the router's only while it lives. */
  pids(): Record<string, number>;
  /** A metric of the router; `undefined` when it has no such one. */
  routerMetric(name: string): Promise<number | undefined>;
  /** SIGKILL. */
  killRouter(): Promise<void>;
  /** The last that each process has printed. */
  lastWords(): string;
  /** What has ended that should not have, with the last of its output. */
  problem(): string | undefined;
}

const LAST_CHARACTERS = 2_000;

/** NATS, two mqtt-ingress processes and a router. */
export async function startSite(root: string): Promise<Site> {
  await using starting = new AsyncDisposableStack();
  const nats = starting.use(await startNats({ mode: 'binary' }));
  const natsUrl = nats.url;
  const [adminPort = 0] = await freePorts(1);
  const router = starting.use(await startService({ root, app: 'router', natsUrl, adminPort }));
  const doors = await Promise.all(
    [1, 2].map(async () => {
      const [port = 0, doorAdminPort = 0] = await freePorts(2);
      const process = starting.use(await startDoor({ root, natsUrl, port, adminPort: doorAdminPort }));
      return { process, at: { host: '127.0.0.1', port } };
    }),
  );
  let hasRouter = true;
  const expected = () => ({
    ...Object.fromEntries(doors.map(({ process }, n) => [`door ${n + 1}`, process])),
    ...(hasRouter ? { router } : {}),
  });
  const running = starting.move();
  return {
    doors: doors.map(({ at }) => at),
    natsUrl,
    pids: () => {
      const natsPid = nats.pid();
      return {
        ...(natsPid === undefined ? {} : { nats: natsPid }),
        ...Object.fromEntries(Object.entries(expected()).map(([name, { pid }]) => [name, pid])),
      };
    },
    routerMetric: async (name) => {
      const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      return readMetric(text, name);
    },
    killRouter: async () => {
      hasRouter = false;
      await router.kill();
    },
    lastWords: () =>
      Object.entries(expected())
        .map(([name, { output }]) => `${name}: ${output().slice(-LAST_CHARACTERS).trim()}`)
        .join('\n'),
    problem: () => (nats.pid() === undefined ? 'nats-server ended' : ended(expected())),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
