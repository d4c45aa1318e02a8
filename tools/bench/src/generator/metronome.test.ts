import { waitFor } from '@trivium/testing';
import { expect, test } from 'vitest';
import { startMetronome } from './metronome.ts';

test('it ticks at a period below a millisecond, never faster, and not after stop', async () => {
  let ticks = 0;
  const startedAt = performance.now();
  const metronome = await startMetronome(0.5, () => ticks++);
  await waitFor(() => ticks >= 200);
  expect(performance.now() - startedAt).toBeGreaterThan(99);
  await metronome.stop();
  const atStop = ticks;
  let later = 0;
  const other = await startMetronome(0.5, () => later++);
  await waitFor(() => later >= 20);
  await other.stop();
  expect(ticks).toBe(atStop);
});
