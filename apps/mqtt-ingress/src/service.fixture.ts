import { join } from 'node:path';
import { freePorts, repoRoot, startProcess, type StartedProcess } from '@trivium/testing';

export interface RunningService extends AsyncDisposable {
  readonly process: StartedProcess;
  readonly port: number;
  readonly adminPort: number;
  /** Status of `/readyz`. */
  readiness(): Promise<number>;
  metrics(): Promise<string>;
}

const MAIN = join(repoRoot(), 'apps', 'mqtt-ingress', 'src', 'main.ts');

/** The service as a process of its own, on ports of its own. Waits until it is ready unless told otherwise. */
export async function startService(
  env: Record<string, string>,
  ready: RegExp | undefined = /is ready/,
): Promise<RunningService> {
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const process = await startProcess({
    command: 'node',
    args: [MAIN],
    env: { TRIVIUM_MQTT_PORT: String(port), TRIVIUM_ADMIN_PORT: String(adminPort), ...env },
    ...(ready && { ready }),
  });
  const get = (path: string) => fetch(`http://127.0.0.1:${adminPort}${path}`);
  return {
    process,
    port,
    adminPort,
    readiness: async () => (await get('/readyz')).status,
    metrics: async () => (await get('/metrics')).text(),
    async [Symbol.asyncDispose]() {
      await process.stop();
    },
  };
}
