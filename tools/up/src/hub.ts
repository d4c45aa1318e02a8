import { join } from 'node:path';
import { BACK_OFF, type BackOff } from './back-off.ts';
import type { Exit } from './exit-reason.ts';
import { removeHubFile, writeHubFile } from './hub-file.ts';
import { rotate } from './log-file.ts';
import { watchLogs } from './log-watch.ts';
import type { Plan, Process } from './plan.ts';
import { becomesReady } from './ready.ts';
import { crashLine, supervise, type Supervisor } from './supervisor.ts';
import type { Terminal } from './terminal.ts';

/** A service that was started with settings that it refuses; starting it again cannot help. */
const EXIT_CONFIG = 78;

export interface HubOptions {
  plan: Plan;
  terminal: Terminal;
  readyTimeoutMs: number;
  stopTimeoutMs: number;
  backOff?: BackOff;
}

/** The running processes of a plan. */
export interface Hub {
  /** Resolves to the exit code when everything is ready (0) or it is clear that it will not be. */
  ready: Promise<0 | 1 | 78>;
  /** Drains the services, those with the highest rank first, then stops NATS. Resolves when all are gone. */
  stop(): Promise<void>;
  /** Ends everything at once; a `stop` under way resolves soon after. */
  kill(): void;
}

/** Starts NATS, then, when it is ready, all services. A process that ends is started again with back-off. */
export function startHub({
  plan,
  terminal,
  readyTimeoutMs,
  stopTimeoutMs,
  backOff = BACK_OFF,
}: HubOptions): Hub {
  const running = new Map<Process, Supervisor>();
  const hubFile = join(plan.dataDir, 'hub.json');
  const logs = watchLogs(terminal);
  const starting = new AbortController();
  let refused = false;
  let stopped: Promise<void> | undefined;

  const record = (): void =>
    writeHubFile(hubFile, {
      launcher: { pid: process.pid },
      nats: withoutUser(plan.natsUrl),
      processes: plan.processes.map(({ name, address, tlsAddress, readyUrl: ready }) => {
        const pid = [...running.values()].find((one) => one.name === name)?.pid;
        const at = {
          ...(address !== undefined && { address }),
          ...(tlsAddress !== undefined && { tlsAddress }),
        };
        return { name, pid, ...at, ready };
      }),
    });

  const start = (one: Process): void => {
    rotate(one.command.logFile);
    logs.add(one.name, one.command.logFile);
    const supervisor = supervise({
      name: one.name,
      command: one.command,
      backOff,
      now: () => performance.now(),
      onStart: () => queueMicrotask(record),
      onCrash: (exit, delayMs) => crashed(one, exit, delayMs),
    });
    running.set(one, supervisor);
  };

  const crashed = ({ name }: Process, exit: Exit, delayMs: number): void => {
    logs.flush();
    if (exit.code === EXIT_CONFIG && !starting.signal.aborted) {
      terminal.say(`${name} refuses its settings (exit code ${EXIT_CONFIG}); its message is above`);
      refused = true;
      starting.abort();
    } else terminal.say(crashLine(name, exit, delayMs));
  };

  const waitFor = async (processes: readonly Process[]): Promise<Process[]> => {
    const late = await Promise.all(
      processes.map(async (one) => ((await becomesReady(one.readyUrl, starting.signal)) ? undefined : one)),
    );
    return late.filter((one) => one !== undefined);
  };

  const begin = async (): Promise<0 | 1 | 78> => {
    const timer = setTimeout(() => starting.abort(), readyTimeoutMs);
    const [first, rest] = [plan.processes.filter(isNats), plan.processes.filter((one) => !isNats(one))];
    first.forEach(start);
    let late = await waitFor(first);
    if (late.length === 0) {
      rest.forEach(start);
      late = await waitFor(rest);
    }
    clearTimeout(timer);
    if (refused) return EXIT_CONFIG;
    if (late.length === 0) starting.abort();
    else if (stopped === undefined) late.forEach((one) => terminal.say(notReady(one, readyTimeoutMs)));
    return late.length === 0 ? 0 : 1;
  };

  const stopAll = async (): Promise<void> => {
    starting.abort();
    const ranks = new Set([...running.keys()].map((one) => one.stopRank).sort((a, b) => b - a));
    for (const rank of ranks) {
      const together = [...running].filter(([one]) => one.stopRank === rank);
      await Promise.all(together.map(([, supervisor]) => stopOne(supervisor)));
    }
    logs[Symbol.dispose]();
    removeHubFile(hubFile);
  };

  const stopOne = async (supervisor: Supervisor): Promise<void> => {
    const exit = await supervisor.stop(stopTimeoutMs);
    if (exit?.signal === 'SIGKILL') terminal.say(`${supervisor.name} did not stop by itself and was killed`);
    else if (exit !== undefined) terminal.say(`${supervisor.name} stopped`);
  };

  return {
    ready: begin(),
    stop: () => (stopped ??= stopAll()),
    kill: () => running.forEach((supervisor) => supervisor.kill()),
  };
}

/** Secrets do not belong in the file. */
const withoutUser = (url: string): string => url.replaceAll(/\/\/[^@/,]*@/g, '//');

const isNats = ({ stopRank }: Process): boolean => stopRank === 0;

const notReady = ({ name, readyUrl, command }: Process, ms: number): string =>
  `${name} is not ready after ${Math.round(ms / 1000)} s (${readyUrl}); its log: ${command.logFile}`;
