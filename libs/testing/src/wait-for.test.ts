import { expect, test } from 'vitest';
import { waitFor } from './wait-for.ts';

test('resolves to the first truthy answer', async () => {
  let asked = 0;
  expect(await waitFor(() => ++asked > 2 && `asked ${asked}`)).toBe('asked 3');
});

test('a predicate that throws is asked again', async () => {
  let asked = 0;
  const answer = waitFor(async () => {
    if (++asked < 3) throw new Error('not yet');
    return asked;
  });
  expect(await answer).toBe(3);
});

test('says what it waited for, the state at the end, and the last error', async () => {
  let asked = 0;
  const waiting = waitFor(
    () => {
      asked++;
      throw new Error('still closed');
    },
    { timeoutMs: 30, message: () => `the door (asked ${asked > 1 ? 'often' : 'once'})` },
  );
  await expect(waiting).rejects.toThrow('waited 30 ms for the door (asked often): still closed');
  await expect(waiting).rejects.toMatchObject({ cause: { message: 'still closed' } });
});
