import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

test('little work is done at once', () => {
  const seen: number[] = [];
  void createTurns().each(numbers(100), (n) => void seen.push(n));
  expect(seen).toEqual(numbers(100));
});

test('of much work no more than one slice is done in a turn of the event loop, whoever has it to do', async () => {
  const turns = createTurns();
  let done = 0;
  const all = Promise.all(numbers(5).map(() => turns.each(numbers(1_000), () => void done++)));
  expect(done).toBe(500); // the first slice of each is of the turn of its caller
  let most = 0;
  let count = 0;
  while (done < 5_000) {
    const before = done;
    await turn();
    most = Math.max(most, done - before);
    count++;
  }
  await all;
  expect(most).toBeLessThanOrEqual(100);
  expect(count).toBeGreaterThan(20);
});

test('it ends when it is told to, and what fails is told to whoever asked', async () => {
  const turns = createTurns();
  const seen: number[] = [];
  await turns.each(numbers(1_000), (n) => seen.push(n) < 250);
  expect(seen).toEqual(numbers(250));
  const failing = turns.each(numbers(1_000), (n) => {
    if (n === 300) throw new Error('no');
  });
  const other = turns.each(numbers(1_000), (n) => void seen.push(n));
  await expect(failing).rejects.toThrow('no');
  await other;
  expect(seen.length).toBe(1_250);
});
