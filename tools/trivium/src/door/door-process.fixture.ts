import { join } from 'node:path';
import { freePorts, repoRoot, startProcess, waitFor, type StartedProcess } from '@trivium/testing';

export interface DoorProcess extends AsyncDisposable {
  readonly url: string;
  /** As `kill -9` does it. */
  kill(): Promise<void>;
  /** On the same port. */
  start(): Promise<void>;
}

/** The HTTP door as a process of its own. */
export async function startDoor(natsUrl: string, env: Record<string, string> = {}): Promise<DoorProcess> {
  const [port, admin] = (await freePorts(2)) as [number, number];
  let process: StartedProcess | undefined;
  const start = async (): Promise<void> => {
    process = await startProcess({
      command: 'node',
      args: [join(repoRoot(), 'apps/http-ingress/src/main.ts')],
      cwd: repoRoot(),
      env: {
        TRIVIUM_NATS_URL: natsUrl,
        TRIVIUM_HTTP_PORT: String(port),
        TRIVIUM_ADMIN_PORT: String(admin),
        ...env,
      },
    });
    await waitFor(async () => (await fetch(`http://127.0.0.1:${admin}/readyz`).catch(() => undefined))?.ok, {
      timeoutMs: 60_000,
      message: () => `the door to be ready:\n${process?.output()}`,
    });
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    start,
    kill: async () => void (await process?.kill()),
    [Symbol.asyncDispose]: async () => void (await process?.stop()),
  };
}
