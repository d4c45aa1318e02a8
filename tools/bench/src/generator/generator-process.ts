import { fork } from 'node:child_process';
import type { Load, Mark, OfflineResult } from './load.ts';
import type { LoadPlan } from './plan.ts';
import type { Answer, Request } from './process-messages.ts';
import type { LoadResult } from './tally.ts';

/** A `Load` in a process of its own. Any call rejects when the load fails or the process ends. */
export interface GeneratorProcess extends AsyncDisposable {
  connect(): Promise<void>;
  start(): Promise<void>;
  mark(measuring: boolean): Promise<Mark>;
  finish(): Promise<LoadResult>;
  store(): ReturnType<Load['store']>;
  drain(): Promise<OfflineResult>;
}

export async function startGeneratorProcess(plan: LoadPlan): Promise<GeneratorProcess> {
  const child = fork(new URL('./process-main.ts', import.meta.url), { serialization: 'advanced' });
  let waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void } | undefined;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      waiting?.reject(new Error(`a generator process ended (${signal ?? code})`));
      resolve();
    });
  });
  child.on('message', (answer: Answer) => {
    const { resolve, reject } = waiting ?? {};
    waiting = undefined;
    if ('error' in answer) reject?.(new Error(answer.error));
    else resolve?.(answer.value);
  });
  const ask = <T>(request: Request): Promise<T> =>
    new Promise((resolve, reject) => {
      waiting = { resolve: resolve as (value: unknown) => void, reject };
      child.send(request, (error) => error && reject(error));
    });
  await ask({ ask: 'plan', plan });
  return {
    connect: () => ask({ ask: 'connect' }),
    start: () => ask({ ask: 'start' }),
    mark: (measuring) => ask({ ask: 'mark', measuring }),
    finish: () => ask({ ask: 'finish' }),
    store: () => ask({ ask: 'store' }),
    drain: () => ask({ ask: 'drain' }),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
