import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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

test('what was gathered in the turn that ends a response is part of it', async () => {
  const turn = createWriteTurn();
  await using server = createServer((_request, response) => {
    turn.gather(response);
    response.write('gathered ');
    turn.release(response);
    response.end('and ended');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('gathered and ended');
});
