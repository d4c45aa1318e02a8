import { expect, test } from 'vitest';
import { planSessions } from './session-plan.ts';

test('each session has a topic and a client id of its own, some a wildcard', () => {
  const { all } = planSessions('p', 100, 20);
  expect(new Set(all.map(({ clientId }) => clientId)).size).toBe(100);
  expect(new Set(all.map(({ topic }) => topic)).size).toBe(100);
  for (const { topic, filter } of all) expect([topic, topic.replace(/value$/, '#')]).toContain(filter);
  expect(all.filter(({ filter }) => filter.endsWith('#'))).toHaveLength(15);
});

test.each([
  [10_000, 2_000],
  [7, 3],
  [5, 5],
  [100, 1],
])('of %i sessions %i come back, spread over all', (sessions, reconnecting) => {
  const { back } = planSessions('p', sessions, reconnecting);
  expect(back).toHaveLength(reconnecting);
  const ends = [0, ...back.map(({ index }) => index + 1)];
  const widest = Math.max(...ends.slice(1).map((end, i) => end - (ends[i] as number)));
  expect(widest).toBeLessThanOrEqual(Math.ceil(sessions / reconnecting));
});
