import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { keyFile } from '@trivium/nats-access';
import type { Plan } from './plan.ts';

const PATIENCE_MS = 60_000;

/**
 * Makes the key of an administrator at the first start of a hub, by `trivium first-start` as a process of its own: tools do not use the libraries of
 * the domain. The key comes over a pipe: it is in no file, argument or variable.
 */
export function createFirstKey(
  root: string,
  env: Readonly<Record<string, string | undefined>>,
): (plan: Plan) => Promise<string | undefined> {
  return async ({ dataDir, natsUrl }) => {
    // What `first-start` leaves there; without the look each start would pay for a process.
    if (existsSync(join(dataDir, 'first-start.json'))) return undefined;
    const args = [join(root, 'tools/trivium/src/main.ts'), 'first-start', '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: root,
      env: {
        ...env,
        TRIVIUM_DATA_DIR: dataDir,
        TRIVIUM_NATS_URL: natsUrl,
        TRIVIUM_NATS_NKEY_FILE: keyFile(dataDir, 'admin'),
      },
      timeout: PATIENCE_MS,
    }).catch((error: unknown) => {
      throw new Error((error as { stderr?: string }).stderr?.trim() || 'trivium first-start failed');
    });
    return (JSON.parse(stdout) as { administrator?: { key: string } }).administrator?.key;
  };
}
