import { createServer } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot, startProcess, tempDir, waitFor, type StartedProcess } from '@trivium/testing';

/** Where a hub's doors are. */
export interface HubAddresses {
  readonly host: string;
  readonly mqtt: number;
  readonly aedes: number;
  readonly ws: number;
  readonly http: number;
  readonly nats: number;
  readonly admin: {
    readonly mqtt: number;
    readonly ws: number;
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
  /** SIGKILL, then waits until the launcher has started it anew and it is ready. */
  killAndWait(service: string, adminPort: number): Promise<void>;
}

/** Starts the whole hub as `npm start` does, on ports of its own and with data of its own. */
export async function startHub(
  options: { args?: string[]; env?: Record<string, string> } = {},
): Promise<TestHub> {
  const data = await tempDir();
  const offset = await freeOffset();
  const root = repoRoot();
  const process = await startProcess({
    command: 'node',
    args: ['tools/up/src/main.ts', ...(options.args ?? [])],
    cwd: root,
    env: { TRIVIUM_PORT_OFFSET: String(offset), TRIVIUM_DATA_DIR: data.path, ...options.env },
    ready: /Ctrl-C/,
    readyTimeoutMs: 60_000,
    stopTimeoutMs: 30_000,
  }).catch(async (cause: unknown) => {
    await data[Symbol.asyncDispose]();
    throw cause;
  });
  const addresses: HubAddresses = {
    host: '127.0.0.1',
    mqtt: 1883 + offset,
    aedes: 1884 + offset,
    ws: 8083 + offset,
    http: 8080 + offset,
    nats: 4222 + offset,
    admin: {
      mqtt: 9101 + offset,
      ws: 9102 + offset,
      http: 9103 + offset,
      router: 9104 + offset,
      aedes: 9105 + offset,
    },
  };
  const pidOf = (service: string): number | undefined => {
    const file = JSON.parse(readFileSync(join(data.path, 'hub.json'), 'utf8')) as {
      processes: { name: string; pid?: number }[];
    };
    return file.processes.find(({ name }) => name === service)?.pid;
  };
  return {
    addresses,
    process,
    pidOf,
    async killAndWait(service, adminPort) {
      const before = pidOf(service);
      if (before === undefined) throw new Error(`${service} does not run`);
      globalThis.process.kill(before, 'SIGKILL');
      await waitFor(() => pidOf(service) !== before && pidOf(service) !== undefined, { timeoutMs: 20_000 });
      await waitFor(() => isReady(adminPort), { timeoutMs: 30_000, message: `${service} to be ready again` });
    },
    async [Symbol.asyncDispose]() {
      await process.stop();
      await data[Symbol.asyncDispose]();
    },
  };
}

export async function isReady(adminPort: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok;
  } catch {
    return false;
  }
}

const DEFAULT_PORTS = [1883, 1893, 1884, 8083, 8080, 4222, 8222, 9101, 9102, 9103, 9104, 9105, 9111];

async function freeOffset(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const offset = 10_000 + 100 * Math.floor(Math.random() * 400);
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
