import { spawn } from 'node:child_process';

/**
 * @typedef {{ code: number, stdout: string, stderr: string }} RunResult
 * @typedef {(command: string, args: readonly string[], options?: RunOptions) => Promise<RunResult>} Run
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {boolean} [show] the command's output goes to the terminal instead of the result
 * @property {Record<string, string>} [env] added to the environment
 * @property {number} [timeoutMs] then the command is killed and 124 returned; default: none
 */

/**
 * Runs a command to its end. Never rejects: a command that cannot be started returns 127 with the reason in
 * `stderr`, one that ran too long 124.
 * @type {Run}
 */
export const run = (command, args, { cwd, show = false, env, timeoutMs } = {}) =>
  new Promise((resolve) => {
    const windowsScript = process.platform === 'win32' && /\.(cmd|bat)$/.test(command);
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      shell: windowsScript,
      stdio: show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk) => (stdout += chunk));
    child.stderr?.setEncoding('utf8').on('data', (chunk) => (stderr += chunk));
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ code: 127, stdout, stderr: error.message });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? (signal === 'SIGKILL' ? 124 : 1), stdout, stderr });
    });
  });

/** The last lines of what a failed command said. @param {RunResult} result */
export const lastWords = ({ stdout, stderr }) =>
  (stderr.trim() || stdout.trim()).split('\n').slice(-4).join('\n');
