import { expect, test } from 'vitest';
import { DOOR_NAMES } from './fuzz/doors.ts';
import { parseOptions } from './options.ts';

test('fuzz: every door, 20,000 packets, a new seed', () => {
  const options = { part: 'fuzz', seed: 7, count: 20_000, doors: DOOR_NAMES };
  expect(parseOptions(['fuzz'], 7)).toEqual({ kind: 'run', options });
  const chosen = parseOptions(['fuzz', '--count', '5', '--seed', '1', '--doors', 'http,mqtt'], 7);
  expect(chosen).toMatchObject({ options: { seed: 1, count: 5, doors: ['http', 'mqtt'] } });
});

test('abuse: every attack, 10 seconds', () => {
  expect(parseOptions(['abuse', '--attacks', 'slow-loris'], 7)).toEqual({
    kind: 'run',
    options: { part: 'abuse', seconds: 10, attacks: ['slow-loris'] },
  });
});

test.each([
  [['fuzz', '--count', '0'], '--count wants a whole number from 1, not "0"'],
  [['fuzz', '--doors', 'coap'], '--doors wants some of'],
  [['dance'], 'there is no dance'],
  [['fuzz', 'more'], 'more is one word too many'],
  [['abuse', '--volume', '11'], '--volume'],
])('%j is wrong usage', (args, message) => {
  expect(parseOptions(args, 7)).toMatchObject({ kind: 'invalid', message: expect.stringContaining(message) });
});

test('without a word it helps', () => {
  expect(parseOptions([], 7)).toEqual({ kind: 'help' });
});
