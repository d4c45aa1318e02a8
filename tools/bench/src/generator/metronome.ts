import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface Metronome {
  stop(): Promise<void>;
}

/** Finer is not worth the wake-ups: a tick that is late sends what is due. */
const FINEST_PERIOD_MS = 0.1;

/**
 * Resolves with the first tick. Calls `tick` every `periodMs`, which may be a fraction: timers of the event loop know whole milliseconds only.
 * A thread sleeps and posts a message, so nothing spins.
 */
export async function startMetronome(periodMs: number, tick: () => void): Promise<Metronome> {
  const stopped = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(new URL('./metronome-thread.ts', import.meta.url), {
    workerData: { periodMs: Math.max(periodMs, FINEST_PERIOD_MS), stopped },
  });
  await once(thread, 'message');
  thread.on('message', tick);
  return {
    stop: async () => {
      thread.off('message', tick);
      Atomics.store(stopped, 0, 1);
      Atomics.notify(stopped, 0);
      await once(thread, 'exit');
    },
  };
}
