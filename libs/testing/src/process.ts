import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { repoRoot } from './repo-root.ts';
import { waitFor } from './wait-for.ts';
import { endWithThisProcess } from './watchdog.ts';

export interface ProcessOptions {
  command: string;
  args?: readonly string[];
  cwd?: string;
  /** Added to the environment of this process; `undefined` removes a variable. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Resolved when the output matches, or when the function answers truthy (asked every 10 ms). Default: at once. */
  ready?: RegExp | ((started: StartedProcess) => unknown);
  /** Default 60,000. */
  readyTimeoutMs?: number;
  /** How long `stop()` waits after SIGTERM before SIGKILL. Default 5,000. */
  stopTimeoutMs?: number;
}

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface StartedProcess extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when the process has ended and all its output was read; never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** `undefined` while it runs. */
  exit(): ProcessExit | undefined;
  stdout(): string;
  stderr(): string;
  /** Both, in the order of arrival. */
  output(): string;
  /** Writes to standard input. */
  write(text: string): void;
  closeInput(): void;
  /** Sends a signal (default SIGKILL) to this one process and resolves when it has ended. */
  kill(signal?: NodeJS.Signals): Promise<ProcessExit>;
  /** SIGTERM, then SIGKILL after `stopTimeoutMs`. Idempotent; also what disposal does. */
  stop(): Promise<ProcessExit>;
}

/**
 * Starts a child process with captured output; it ends with this process at the latest, also if that is killed. Rejects, with the output in the message and nothing left
 * running, when the command cannot be started, ends before it is ready, or is not ready in time.
 */
export async function startProcess(options: ProcessOptions): Promise<StartedProcess> {
  const started = await launch(options);
  const { ready } = options;
  if (ready === undefined) return started;
  const asked = ready instanceof RegExp ? () => ready.test(started.output()) : () => ready(started);
  const what = [options.command, ...(options.args ?? [])].join(' ');
  try {
    await waitFor(async () => started.exit() !== undefined || (await asked()), {
      timeoutMs: options.readyTimeoutMs ?? 60_000,
      message: () => `"${what}" to be ready; its output:\n${started.output()}`,
    });
    const exit = started.exit();
    if (exit === undefined) return started;
    throw new Error(
      `"${what}" ended (${exit.signal ?? exit.code}) before it was ready:\n${started.output()}`,
    );
  } catch (error) {
    await started.stop();
    throw error;
  }
}

function launch(options: ProcessOptions): Promise<StartedProcess> {
  const child = spawn(options.command, options.args ?? [], {
    cwd: options.cwd,
    // Output is read by programs here: Nx sets FORCE_COLOR, and Node then colours even a number.
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache(), FORCE_COLOR: undefined, ...options.env },
    stdio: 'pipe',
  });
  let stdout = '';
  let stderr = '';
  let output = '';
  let ended: ProcessExit | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    output += text;
  });
  // A child that is gone answers a write with EPIPE; its exit says all there is to say.
  child.stdin.on('error', () => undefined);

  const callOffWatch = child.pid === undefined ? () => undefined : endWithThisProcess(child.pid);
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('close', (code, signal) => {
      callOffWatch();
      ended = { code, signal };
      resolve(ended);
    });
  });

  const kill = (signal: NodeJS.Signals = 'SIGKILL') => {
    child.kill(signal);
    return exited;
  };
  const stop = async () => {
    const timer = setTimeout(() => child.kill('SIGKILL'), options.stopTimeoutMs ?? 5_000);
    try {
      return await kill('SIGTERM');
    } finally {
      clearTimeout(timer);
    }
  };

  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      if (child.pid !== undefined) return;
      reject(new Error(`cannot start "${options.command}": ${error.message}`, { cause: error }));
    });
    child.once('spawn', () =>
      resolve({
        pid: child.pid as number,
        exited,
        exit: () => ended,
        stdout: () => stdout,
        stderr: () => stderr,
        output: () => output,
        write: (text) => void child.stdin.write(text),
        closeInput: () => void child.stdin.end(),
        kill,
        stop,
        [Symbol.asyncDispose]: async () => void (await stop()),
      }),
    );
  });
}

/** Where Node keeps what it made of the sources: half of what it takes a service to start. */
function compileCache(): string {
  return process.env['NODE_COMPILE_CACHE'] ?? join(repoRoot(), '.trivium', 'compile-cache');
}
