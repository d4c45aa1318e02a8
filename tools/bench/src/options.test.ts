import { expect, test } from 'vitest';
import { type BenchOptions, parseOptions } from './options.ts';

function run(...args: string[]): BenchOptions {
  const parsed = parseOptions(args);
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.options;
}

test('without options: every standard workload, three runs of three seconds, the hub and its peers', () => {
  expect(run()).toMatchObject({
    runs: 3,
    measureMs: 3_000,
    peers: ['hub', 'mosquitto', 'nats'],
    peersAreNamed: false,
  });
  expect(run().processes).toBeGreaterThanOrEqual(2);
});

test('--quick is one run of one second, and single values win over it', () => {
  expect(run('--quick')).toMatchObject({ runs: 1, measureMs: 1_000, warmupMs: 500 });
  expect(run('--quick', '--secs', '0.5', '--runs', '2')).toMatchObject({ runs: 2, measureMs: 500 });
});

test('--only and --peers', () => {
  const options = run('--only', 'W2,W5', '--peers', 'mosquitto,hub');
  expect(options.workloads.map(({ id }) => id)).toEqual(['W2', 'W5']);
  expect(options).toMatchObject({ peers: ['mosquitto', 'hub'], peersAreNamed: true });
});

test('--external measures that alone, unless peers are named', () => {
  const at = (port: number, host = 'localhost') => ({ host, port });
  expect(run('--external', 'localhost:1883')).toMatchObject({
    peers: ['external'],
    external: { target: { publishAt: at(1883), subscribeAt: at(1883) }, pids: [] },
  });
  expect(
    run('--external', 'localhost:1883,[::1]:1893', '--pids', '4,5', '--peers', 'external,mosquitto'),
  ).toMatchObject({
    peers: ['external', 'mosquitto'],
    external: { target: { publishAt: at(1883), subscribeAt: at(1893, '::1') }, pids: [4, 5] },
  });
});

test.each([
  [['--only', 'W99'], /no workload "W99"/],
  [['--peers', 'emqx'], /no peer "emqx"/],
  [['--peers', 'external'], /needs --external/],
  [['--secs', '0'], /--secs wants a number above 0/],
  [['--runs', 'many'], /--runs wants a number/],
  [['--external', 'localhost'], /host:port/],
  [['--pids', 'x', '--external', 'localhost:1'], /--pids/],
  [['--fast'], /--fast/],
  [['W2'], /W2/],
])('%j is refused', (args, message) => {
  const parsed = parseOptions(args);
  expect(parsed.kind).toBe('invalid');
  expect(parsed.kind === 'invalid' && parsed.message).toMatch(message);
});

test('--help', () => expect(parseOptions(['--help']).kind).toBe('help'));
