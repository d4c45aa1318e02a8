import { startProcess, waitFor } from '@trivium/testing';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from './clock.ts';

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
