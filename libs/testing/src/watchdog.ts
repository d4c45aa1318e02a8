import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Sees to it that process `pid` does not outlive this one, however this one ends: a shell waits on a pipe that
 * closes with this process, then sends SIGKILL. The function that is returned calls the watch off.
 */
export function endWithThisProcess(pid: number): () => void {
  const shell = spawn('sh', ['-c', 'read -r _; kill -9 "$1"', 'sh', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Of a process group of its own: Ctrl-C must not end the watch before it was of use.
    detached: true,
  });
  shell.on('error', () => undefined);
  shell.unref();
  (shell.stdin as Socket).unref();
  return () => void shell.kill('SIGKILL');
}
