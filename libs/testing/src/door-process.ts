import { join } from 'node:path';
import { freePorts } from './free-port.ts';
import { startProcess, type StartedProcess } from './process.ts';
import { repoRoot } from './repo-root.ts';

export type DoorName = 'mqtt' | 'ws' | 'http';

/** A door as a process of its own, on ports of 127.0.0.1 that stay the same. */
export interface DoorProcess extends AsyncDisposable {
  readonly port: number;
  /** Where it listens with TLS when it has a certificate. */
  readonly tlsPort: number;
  /** All that `/metrics` shows. */
  metrics(): Promise<string>;
  /** As `kill -9` does it. */
  kill(): Promise<void>;
  /** Again, after `kill`. Resolves when it is ready. */
  start(): Promise<void>;
}

/** Starts a door at this NATS; resolves when it is ready. `env`: its settings beside its ports. */
export async function startDoorProcess(
  door: DoorName,
  natsUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<DoorProcess> {
  const [port, tlsPort, admin] = (await freePorts(3)) as [number, number, number];
  const section = `TRIVIUM_${door.toUpperCase()}`;
  let process: StartedProcess | undefined;
  const start = async (): Promise<void> => {
    process = await startProcess({
      command: 'node',
      args: [join(repoRoot(), 'apps', `${door}-ingress`, 'src', 'main.ts')],
      cwd: repoRoot(),
      env: {
        TRIVIUM_NATS_URL: natsUrl,
        TRIVIUM_ADMIN_PORT: String(admin),
        [`${section}_PORT`]: String(port),
        [`${section}_TLS_PORT`]: String(tlsPort),
        ...env,
      },
      ready: /-ingress is ready/,
    });
  };
  await start();
  return {
    port,
    tlsPort,
    start,
    metrics: async () => (await fetch(`http://127.0.0.1:${admin}/metrics`)).text(),
    kill: async () => void (await process?.kill()),
    [Symbol.asyncDispose]: async () => void (await process?.stop()),
  };
}
