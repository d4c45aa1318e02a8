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
  let failure: Error | undefined;
  // What fails between two requests fails the next one.
  const fail = (error: Error) => {
    failure ??= error;
    waiting?.reject(failure);
  };
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      fail(new Error(`a generator process ended (${signal ?? code})`));
      resolve();
    });
  });
  child.on('message', (answer: Answer) => {
    if ('error' in answer) return fail(new Error(answer.error));
    waiting?.resolve(answer.value);
    waiting = undefined;
  });
  const ask = <T>(request: Request): Promise<T> =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(failure);
      waiting = { resolve: resolve as (value: unknown) => void, reject };
      child.send(request, (error) => error && fail(error));
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
