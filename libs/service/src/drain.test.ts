import { expect, it } from 'vitest';
import { drain, type DrainStages } from './drain.ts';

async function record(stages: DrainStages, flushTelemetry: () => unknown = () => undefined) {
  const log: string[] = [];
  const context = { signal: new AbortController().signal, graceMs: 10 };
  const clean = await drain({
    stages,
    flushTelemetry,
    context,
    onStage: (name) => log.push(name),
    onFailure: (name, error) => log.push(`${name} failed: ${(error as Error).message}`),
  });
  return { log, clean };
}

it('runs the stages in order, each after the one before has ended', async () => {
  let running = 0;
  const stage = async () => {
    running += 1;
    expect(running).toBe(1);
    await Promise.resolve();
    running -= 1;
  };
  const { log, clean } = await record(
    { drainBus: stage, stopAccepting: stage, finishInFlight: stage, closeClients: stage },
    stage,
  );
  expect(log).toEqual(['stopAccepting', 'closeClients', 'finishInFlight', 'drainBus', 'flushTelemetry']);
  expect(clean).toBe(true);
});

it('goes on after a stage that failed, and says so', async () => {
  const { log, clean } = await record({
    stopAccepting: () => {
      throw new Error('one');
    },
    drainBus: () => Promise.reject(new Error('two')),
  });
  expect(log).toEqual([
    'stopAccepting',
    'stopAccepting failed: one',
    'drainBus',
    'drainBus failed: two',
    'flushTelemetry',
  ]);
  expect(clean).toBe(false);
});
