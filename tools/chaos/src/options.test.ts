import { expect, test } from 'vitest';
import { parseOptions, type Options } from './options.ts';

function run(...args: string[]): Options {
  const parsed = parseOptions(args, 5);
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.options;
}

test('without options: twelve kills, no freezes, a new seed', () => {
  expect(run()).toMatchObject({
    seed: 5,
    kills: 12,
    withFreezes: false,
    publishers: 6,
    subscribers: 8,
    ratePerS: 200,
  });
});

test('--long is 200 kills with freezes, and single values win over it', () => {
  expect(run('--long')).toMatchObject({ kills: 200, withFreezes: true });
  expect(run('--long', '--kills', '30', '--seed', '0')).toMatchObject({
    kills: 30,
    withFreezes: true,
    seed: 0,
  });
});

test('--external names one or two doors, of which none is killed', () => {
  expect(run('--external', 'localhost:1883,[::1]:1893', '--secs', '3')).toMatchObject({
    external: [
      { host: 'localhost', port: 1883 },
      { host: '::1', port: 1893 },
    ],
    ...{ kills: 0, calmMs: 3_000 },
  });
});

test.each([
  [['--kills', 'many'], /--kills wants a whole number/],
  [['--pubs', '0'], /--pubs wants a whole number from 1/],
  [['--seed', '1.5'], /--seed/],
  [['--external', 'localhost'], /host:port/],
  [['--external', 'localhost:1', '--kills', '3'], /not killed/],
  [['--fast'], /--fast/],
])('%j is refused', (args, message) => {
  const parsed = parseOptions(args, 5);
  expect(parsed.kind).toBe('invalid');
  expect(parsed.kind === 'invalid' && parsed.message).toMatch(message);
});

test('--help', () => expect(parseOptions(['--help'], 5).kind).toBe('help'));
