import { expect, test } from 'vitest';
import { Account } from './account.ts';

const CLEAN = { repeated: 0, reordered: 0, overdue: 0, misrouted: 0, malformed: 0 };

test('a round is complete when every session has every message', () => {
  const account = new Account([4, 9]);
  expect(account.owe(2)).toBe(0);
  expect([account.see(4, 4, 0), account.see(9, 9, 0), account.see(9, 9, 1)]).toEqual([false, false, true]);
  expect(account.isComplete).toBe(false);
  expect(account.counts()).toEqual({ expected: 4, delivered: 3, lost: 1, ...CLEAN });
  expect(account.see(4, 4, 1)).toBe(true);
  expect(account.isComplete).toBe(true);
});

test('what is repeated, out of order or of another session is counted as that', () => {
  const account = new Account([4, 9]);
  account.owe(3);
  account.see(4, 4, 1);
  account.see(4, 4, 0);
  account.see(4, 4, 1);
  account.see(9, 4, 2);
  account.see(9, 9, 3);
  account.see(5, 5, 0);
  expect(account.counts()).toEqual({
    ...{ expected: 6, delivered: 2, lost: 4 },
    ...{ repeated: 1, reordered: 1, overdue: 0, misrouted: 3, malformed: 0 },
  });
});

test('a later round goes on with the numbers; what belongs to a former one does not count for it', () => {
  const account = new Account([4]);
  account.owe(2);
  account.see(4, 4, 0);
  expect(account.owe(2)).toBe(2);
  account.see(4, 4, 0);
  account.see(4, 4, 1);
  account.see(4, 4, 2);
  expect(account.counts()).toEqual({
    ...{ expected: 2, delivered: 1, lost: 1 },
    ...{ repeated: 1, reordered: 0, overdue: 1, misrouted: 0, malformed: 0 },
  });
  expect(account.see(4, 4, 3)).toBe(true);
});
