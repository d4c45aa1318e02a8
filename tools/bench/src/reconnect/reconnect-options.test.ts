import { expect, test } from 'vitest';
import { parseReconnectOptions } from './reconnect-options.ts';

test('without options: the size for which the limits hold', () => {
  const parsed = parseReconnectOptions([]);
  expect(parsed).toMatchObject({
    kind: 'run',
    options: { sessions: 10_000, reconnecting: 2_000, messages: 100, pad: 0, atOnce: 2_000, json: false },
  });
});

test('each can be set', () => {
  const parsed = parseReconnectOptions([
    ...['--sessions', '50', '--reconnecting', '10', '--messages', '3', '--pad', '1000000'],
    ...['--publishers', '2', '--payload', '200', '--at-once', '5', '--out', 'x.json', '--json'],
  ]);
  expect(parsed.kind === 'run' && parsed.options).toEqual({
    ...{ sessions: 50, reconnecting: 10, messages: 3, pad: 1_000_000 },
    ...{ publishers: 2, payloadBytes: 200, atOnce: 5, out: 'x.json', json: true },
  });
});

test.each([
  [['--sessions', '0'], /--sessions wants a whole number of 1 or more/],
  [['--sessions', '10', '--reconnecting', '11'], /more than --sessions/],
  [['--payload', '15'], /--payload wants a whole number of 16 or more/],
  [['--pad', '1.5'], /--pad/],
  [['--only', 'W2'], /--only/],
])('%j is refused', (args, message) => {
  const parsed = parseReconnectOptions(args);
  expect(parsed.kind === 'invalid' && parsed.message).toMatch(message);
});

test('--help', () => expect(parseReconnectOptions(['--help']).kind).toBe('help'));
