import { nextDelay, type BackOff } from './back-off.ts';
import { startChild, type Child, type Command } from './child.ts';
import { exitReason, type Exit } from './exit-reason.ts';

/** Keeps one process running until it is told to stop. */
export interface Supervisor {
  readonly name: string;
  readonly pid: number | undefined;
  /** Asks the process to stop, ends it when it takes longer than `timeoutMs`; resolves when it is gone. */
  stop(timeoutMs: number): Promise<Exit | undefined>;
  /** Ends it at once, also in the middle of a stop. */
  kill(): void;
}

export interface SupervisorOptions {
  name: string;
  command: Command;
  backOff: BackOff;
  /** The process ended without having been asked to; it is started again after `delayMs`. */
  onCrash(exit: Exit, delayMs: number): void;
  /** It was started, with this process id. */
  onStart(pid: number | undefined): void;
  now(): number;
}

export function supervise({ name, command, backOff, onCrash, onStart, now }: SupervisorOptions): Supervisor {
  let child: Child | undefined;
  let restart: NodeJS.Timeout | undefined;
  let delayMs: number | undefined;
  let stopping = false;

  const start = (): void => {
    const startedAt = now();
    const started = startChild(command);
    child = started;
    onStart(started.pid);
    void started.exited.then((exit) => {
      child = undefined;
      if (stopping) return;
      delayMs = nextDelay(delayMs, now() - startedAt, backOff);
      onCrash(exit, delayMs);
      if (!stopping) restart = setTimeout(start, delayMs);
    });
  };
  start();

  return {
    name,
    get pid() {
      return child?.pid;
    },
    async stop(timeoutMs) {
      stopping = true;
      clearTimeout(restart);
      const running = child;
      if (running === undefined) return undefined;
      const killer = setTimeout(() => running.kill(), timeoutMs);
      running.stop();
      const exit = await running.exited;
      clearTimeout(killer);
      return exit;
    },
    kill() {
      stopping = true;
      clearTimeout(restart);
      child?.kill();
    },
  };
}

/** `nats-server ended (SIGKILL), starting it again in 250 ms`. */
export const crashLine = (name: string, exit: Exit, delayMs: number): string =>
  `${name} ended (${exitReason(exit)}), starting it again in ${delayMs} ms`;
