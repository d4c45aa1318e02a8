import { createServer } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot, startProcess, tempDir, waitFor, type StartedProcess } from '@trivium/testing';

/** Where a hub's doors are. */
export interface HubAddresses {
  readonly host: string;
  readonly mqtt: number;
  /** The second process of mqtt-ingress, where the hub runs two. */
  readonly mqtt2: number;
  readonly aedes: number;
  readonly ws: number;
  /** The second process of ws-ingress, where the hub runs two. */
  readonly ws2: number;
  readonly http: number;
  readonly nats: number;
  /** The doors over TLS, where the hub has a certificate. */
  readonly tls: { readonly mqtt: number; readonly ws: number; readonly http: number };
  readonly dataDir: string;
  readonly admin: {
    readonly mqtt: number;
    readonly mqtt2: number;
    readonly ws: number;
    readonly ws2: number;
    readonly http: number;
    readonly router: number;
    readonly aedes: number;
  };
}

export interface TestHub extends AsyncDisposable {
  readonly addresses: HubAddresses;
  readonly process: StartedProcess;
  /** Process id of a service as it runs now; undefined while it is down. */
  pidOf(service: string): number | undefined;
  /** SIGKILL; resolves at once. */
  kill(service: string): void;
  /** SIGKILL, then waits until the launcher has started it anew and it is ready. */
  killAndWait(service: string, adminPort: number): Promise<void>;
  /** What is killed meanwhile stays away: the launcher stands still. */
  withoutRestarts<T>(run: () => Promise<T>): Promise<T>;
  /** SIGKILL of every process at once, the launcher's too, as by a power cut. Resolves when all are gone. */
  killEverything(): Promise<void>;
}

export interface HubOptions {
  args?: string[];
  env?: Record<string, string>;
  /** Data of its own when not given, removed at the end. */
  dataDir?: string;
}

/** Two processes of mqtt-ingress. */
export const TWO_DOORS = ['--scale', 'mqtt-ingress=2'];

/** Two processes of ws-ingress. */
export const TWO_WEBSOCKET_DOORS = ['--scale', 'ws-ingress=2'];

/** Starts the whole hub as `npm start` does, on ports of its own. */
export async function startHub({ args = [], env, dataDir }: HubOptions = {}): Promise<TestHub> {
  const data = dataDir === undefined ? await tempDir() : undefined;
  const path = dataDir ?? data!.path;
  const offset = await freeOffset();
  const started = await startProcess({
    command: 'node',
    args: ['tools/up/src/main.ts', ...args],
    cwd: repoRoot(),
    env: { TRIVIUM_PORT_OFFSET: String(offset), TRIVIUM_DATA_DIR: path, ...env },
    ready: /Ctrl-C/,
    readyTimeoutMs: 180_000,
    stopTimeoutMs: 30_000,
  }).catch(async (cause: unknown) => {
    await data?.remove();
    throw cause;
  });
  const addresses: HubAddresses = {
    host: '127.0.0.1',
    mqtt: 1883 + offset,
    mqtt2: 1893 + offset,
    aedes: 1884 + offset,
    ws: 8083 + offset,
    ws2: 8093 + offset,
    http: 8080 + offset,
    nats: 4222 + offset,
    tls: { mqtt: 8883 + offset, ws: 8084 + offset, http: 8443 + offset },
    dataDir: path,
    admin: {
      mqtt: 9101 + offset,
      mqtt2: 9111 + offset,
      ws: 9102 + offset,
      ws2: 9112 + offset,
      http: 9103 + offset,
      router: 9104 + offset,
      aedes: 9105 + offset,
    },
  };
  const processes = (): { name: string; pid?: number }[] =>
    (
      JSON.parse(readFileSync(join(path, 'hub.json'), 'utf8')) as {
        processes: { name: string; pid?: number }[];
      }
    ).processes;
  const pidOf = (service: string): number | undefined =>
    processes().find(({ name }) => name === service)?.pid;
  const kill = (service: string): void => {
    const pid = pidOf(service);
    if (pid === undefined) throw new Error(`${service} does not run`);
    process.kill(pid, 'SIGKILL');
  };
  return {
    addresses,
    process: started,
    pidOf,
    kill,
    async killAndWait(service, adminPort) {
      const before = pidOf(service);
      kill(service);
      await waitFor(() => pidOf(service) !== before && pidOf(service) !== undefined, { timeoutMs: 60_000 });
      await waitFor(() => isReady(adminPort), { timeoutMs: 60_000, message: `${service} to be ready again` });
    },
    async withoutRestarts(run) {
      process.kill(started.pid, 'SIGSTOP');
      try {
        return await run();
      } finally {
        process.kill(started.pid, 'SIGCONT');
      }
    },
    async killEverything() {
      const pids = processes().flatMap(({ pid }) => pid ?? []);
      const exit = started.kill('SIGKILL');
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      await exit;
      await waitFor(() => !pids.some(isAlive), { timeoutMs: 15_000, message: 'every process to be gone' });
    },
    async [Symbol.asyncDispose]() {
      await started.stop();
      await data?.remove();
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function isReady(adminPort: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok;
  } catch {
    return false;
  }
}

const DEFAULT_PORTS = [
  ...[1883, 1893, 1884, 8083, 8093, 8080, 4222, 8222],
  ...[8883, 8884, 8084, 8443],
  ...[9101, 9102, 9103, 9104, 9105, 9111, 9112],
];

/** All ports stay below those that the system gives to outgoing connections, which come and go (32,768 and up). */
const OFFSETS = 135;

/** A `TRIVIUM_PORT_OFFSET` with which nobody listens on any port of a hub. */
export async function freeOffset(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const offset = 10_000 + 100 * Math.floor(Math.random() * OFFSETS);
    const free = await Promise.all(DEFAULT_PORTS.map((port) => isFree(port + offset)));
    if (free.every(Boolean)) return offset;
  }
  throw new Error('no free range of ports');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
