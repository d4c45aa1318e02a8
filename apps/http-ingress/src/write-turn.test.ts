import { expect, test } from 'vitest';
import { createWriteTurn } from './write-turn.ts';

function fakeSocket() {
  return {
    corked: 0,
    uncorked: 0,
    cork() {
      this.corked++;
    },
    uncork() {
      this.uncorked++;
    },
  };
}

test('every socket written to in a turn is corked once and uncorked at its end, by one callback', () => {
  const ends: (() => void)[] = [];
  const turn = createWriteTurn((run) => void ends.push(run));
  const [a, b] = [fakeSocket(), fakeSocket()];
  for (const socket of [a, b, a, a, b]) turn.gather(socket);
  expect([a.corked, b.corked, a.uncorked, ends.length]).toEqual([1, 1, 0, 1]);
  ends[0]!();
  expect([a.uncorked, b.uncorked]).toEqual([1, 1]);
  turn.gather(a);
  expect([a.corked, ends.length]).toEqual([2, 2]);
});
