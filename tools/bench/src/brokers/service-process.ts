import { join } from 'node:path';
import { startProcess, type StartedProcess } from '@trivium/testing';

export interface ServiceProcessOptions {
  /** Root of the repository. */
  root: string;
  app: 'mqtt-ingress' | 'http-ingress' | 'router';
  natsUrl: string;
  adminPort: number;
  env?: Readonly<Record<string, string | undefined>>;
}

/** Where a service begins, from the root of the repository. */
export function serviceEntry(app: ServiceProcessOptions['app']): string {
  return join('apps', app, 'src', 'main.ts');
}

/** A service of the hub with default settings, ready. */
export function startService(options: ServiceProcessOptions): Promise<StartedProcess> {
  const { root, app, natsUrl, adminPort, env } = options;
  return startProcess({
    command: process.execPath,
    args: [serviceEntry(app)],
    cwd: root,
    env: { TRIVIUM_NATS_URL: natsUrl, TRIVIUM_ADMIN_PORT: String(adminPort), ...env },
    ready: async () => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok,
    readyTimeoutMs: 30_000,
  });
}

/** A door on a free port. */
export function startDoor(
  options: Omit<ServiceProcessOptions, 'app' | 'env'> & { port: number; nkeyFile?: string | undefined },
) {
  const env = {
    TRIVIUM_NATS_NKEY_FILE: options.nkeyFile,
    TRIVIUM_MQTT_HOST: '127.0.0.1',
    TRIVIUM_MQTT_PORT: String(options.port),
    TRIVIUM_MQTT_ENGINE: undefined,
  };
  return startService({ ...options, app: 'mqtt-ingress', env });
}
