import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** The hub that runs on a data directory, for tools and for the next launcher: `hub.json` there. */
export interface HubFile {
  launcher: { pid: number };
  /** Address of NATS. */
  nats: string;
  /** `ready`: answers 200 when the process is. */
  processes: {
    name: string;
    pid: number | undefined;
    address?: string;
    /** The same over TLS. */
    tlsAddress?: string;
    ready: string;
  }[];
}

/** What is written in `file`; undefined when there is nothing or nothing readable. */
export function readHubFile(file: string): HubFile | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const pid = (content as { launcher?: { pid?: unknown } } | null)?.launcher?.pid;
    return typeof pid === 'number' ? (content as HubFile) : undefined;
  } catch {
    return undefined;
  }
}

export function writeHubFile(file: string, content: HubFile): void {
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(partial, file);
}

export const removeHubFile = (file: string): void => rmSync(file, { force: true });

/** Whether that process is a launcher, and not another one that has got its number since, as after a power cut. */
export function isLauncher(pid: number): boolean {
  if (!isRunning(pid)) return false;
  if (process.platform === 'win32') return true;
  const { stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  // Without `ps` the number has to do.
  return !stdout || /tools[/]up[/]/.test(stdout);
}

/** Whether a process is there; one of another user counts. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
