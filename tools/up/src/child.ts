import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Exit } from './exit-reason.ts';

/** What a process is started from. */
export interface Command {
  command: string;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Standard output and error are appended to this file by the process itself. */
  logFile: string;
  /**
   * What ends the process when the launcher dies, even by SIGKILL. `ipc`: it watches Node's channel to its parent and
   * stops by itself. `guard`: a shell beside it does that for a program that knows no such thing.
   */
  tether: 'ipc' | 'guard';
}

export interface Child {
  pid: number | undefined;
  /** Resolves when the process is gone; never rejects. A command that cannot be run exits with 127. */
  exited: Promise<Exit>;
  /** Asks it to stop (SIGTERM). */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
}

/** Starts a process in a session of its own, so that the terminal's Ctrl-C does not reach it. */
export function startChild({ command, args, cwd, env, logFile, tether }: Command): Child {
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, {
    cwd,
    env: { ...env },
    detached: true,
    stdio: tether === 'ipc' ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
  });
  closeSync(log);
  const guard = tether === 'guard' && child.pid !== undefined ? startGuard(child.pid) : undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: 127, signal: null });
    });
  });
  // Before the process id can belong to somebody else.
  if (guard !== undefined) void exited.then(() => guard.kill('SIGKILL'));
  return {
    pid: child.pid,
    exited,
    stop: () => void child.kill('SIGTERM'),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** A shell that does nothing until its standard input ends, which is when the launcher is gone; it then stops `pid`. */
function startGuard(pid: number): ChildProcess | undefined {
  if (process.platform === 'win32') return undefined;
  const guard = spawn('sh', ['-c', 'while read -r _; do :; done; kill "$1"', 'trivium-guard', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => {});
  guard.stdin.on('error', () => {});
  return guard;
}
