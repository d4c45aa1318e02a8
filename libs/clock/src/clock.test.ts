import { startProcess, waitFor } from '@trivium/testing';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { handClock } from './hand-clock.ts';

test('now is the time of day', () => {
  const before = Date.now();
  const now = systemClock.now();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now());
});

test('every calls again and again until it is stopped', async () => {
  let calls = 0;
  const stop = systemClock.every(1, () => void calls++);
  await waitFor(() => calls >= 3);
  stop();
  const then = calls;
  await new Promise<void>((resolve) => {
    const other = systemClock.every(5, () => {
      other();
      resolve();
    });
  });
  expect(calls).toBe(then);
});

test('a process ends although something is called again and again', async () => {
  const clock = JSON.stringify(join(import.meta.dirname, 'clock.ts'));
  await using child = await startProcess({
    command: process.execPath,
    args: [
      '--input-type=module',
      '-e',
      `import { systemClock } from ${clock}; systemClock.every(1, () => undefined); console.log('ready');`,
    ],
    ready: /ready/,
  });
  await waitFor(() => child.exit() !== undefined);
  expect(child.exit()).toMatchObject({ code: 0 });
});

test('a clock turned by hand does what is to be done at each turn, until it is stopped', () => {
  const clock = handClock(100);
  const seen: number[] = [];
  const stop = clock.every(1_000, () => seen.push(clock.now()));
  clock.advance(5);
  clock.advance(10);
  stop();
  clock.advance(1);
  expect([seen, clock.now()]).toEqual([[105, 115], 116]);
});
