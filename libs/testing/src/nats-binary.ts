import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { repoRoot } from './repo-root.ts';

export const MINIMUM_NATS_VERSION: readonly [major: number, minor: number] = [2, 15];

/**
 * The path of a nats-server: `TRIVIUM_NATS_SERVER` (taken as it is), else the one that the set-up put into
 * `.trivium/bin`, else one on `PATH` of at least `MINIMUM_NATS_VERSION`; `undefined` when there is none.
 */
export async function findNatsBinary(
  env: Readonly<Record<string, string | undefined>> = process.env,
  root: string = repoRoot(),
): Promise<string | undefined> {
  const configured = env['TRIVIUM_NATS_SERVER'];
  if (configured) return configured;
  const installed = join(root, '.trivium', 'bin', 'nats-server');
  if (await isExecutable(installed)) return installed;
  for (const folder of (env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    const candidate = join(folder, 'nats-server');
    if ((await isExecutable(candidate)) && (await isNewEnough(candidate))) return candidate;
  }
  return undefined;
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function isNewEnough(binary: string): Promise<boolean> {
  const printed = await promisify(execFile)(binary, ['--version']).catch(() => ({ stdout: '' }));
  const match = /v(\d+)\.(\d+)/.exec(printed.stdout);
  const [major, minor] = [Number(match?.[1]), Number(match?.[2])];
  const [wantedMajor, wantedMinor] = MINIMUM_NATS_VERSION;
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
