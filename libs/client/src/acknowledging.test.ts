import { expect, test } from 'vitest';
import { createAcknowledging } from './acknowledging.ts';
import { turn } from './hub.fixture.ts';

function setUp() {
  const sent: number[] = [];
  const due: (() => void)[] = [];
  const acknowledging = createAcknowledging({
    send: (pos) => void sent.push(pos),
    soon: (run) => void due.push(run),
  });
  const flush = (): void => due.splice(0).forEach((run) => run());
  return { acknowledging, sent, due, flush };
}

test('what is handled in one moment is acknowledged at once, with its last position', () => {
  const { acknowledging, sent, due, flush } = setUp();
  for (const pos of [3, 4, 7]) acknowledging.given(pos, undefined);
  expect([sent, due.length]).toEqual([[], 1]);
  flush();
  acknowledging.given(9, undefined);
  flush();
  expect(sent).toEqual([7, 9]);
});

test('a handler that takes its time holds back its message and those after it', async () => {
  const { acknowledging, sent, flush } = setUp();
  const slow = Promise.withResolvers<void>();
  acknowledging.given(1, undefined);
  acknowledging.given(2, slow.promise);
  acknowledging.given(3, undefined);
  acknowledging.given(4, Promise.resolve());
  await turn();
  flush();
  expect(sent).toEqual([1]);
  slow.resolve();
  await turn();
  flush();
  expect(sent).toEqual([1, 4]);
});

test('before a lower position the one above it is told: the hub went back, and cumulative is by order', () => {
  const { acknowledging, sent, flush } = setUp();
  for (const pos of [99, 100, 51, 52]) acknowledging.given(pos, undefined);
  flush();
  expect(sent).toEqual([100, 52]);
});

test('what was given on a connection that is gone is not acknowledged on the next one', async () => {
  const { acknowledging, sent, flush } = setUp();
  const slow = Promise.withResolvers<void>();
  acknowledging.given(1, undefined);
  acknowledging.given(2, slow.promise);
  acknowledging.reset();
  acknowledging.given(5, Promise.resolve());
  await turn();
  slow.resolve();
  await turn();
  flush();
  expect(sent).toEqual([5]);
});
