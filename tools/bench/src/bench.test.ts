import { expect, test } from 'vitest';
import { bench } from './bench.ts';
import type { Peer } from './brokers/broker.ts';
import { external } from './brokers/external.ts';
import { mosquitto } from './brokers/mosquitto.ts';
import { natsMqtt } from './brokers/nats-mqtt.ts';
import { startFaultyBroker } from './generator/faulty-broker.ts';
import { isMeasured, type Run } from './report/summary.ts';
import { selectWorkloads } from './workload.ts';

const QUICK = { runs: 1, warmupMs: 100, measureMs: 300, processes: 1 };
const quiet = () => undefined;
const never = new AbortController().signal;

test('brokers take turns within each run', async () => {
  await using broker = await startFaultyBroker();
  const target = { publishAt: broker.address, subscribeAt: broker.address };
  const peers = ['first', 'second'].map((name): Peer => ({ ...external(target, []), name }));
  const lines: string[] = [];
  const workloads = selectWorkloads(['W1']);
  const options = { ...QUICK, runs: 2, workloads };
  const results = await bench({ peers, options, progress: (line) => lines.push(line), signal: never });
  expect(lines.filter((line) => line.startsWith('[')).map((line) => line.split(':')[0])).toEqual([
    '[1/4] W1 run 1/2 first',
    '[2/4] W1 run 1/2 second',
    '[3/4] W1 run 2/2 first',
    '[4/4] W1 run 2/2 second',
  ]);
  expect(results.map(({ broker: name, runs }) => [name, runs.filter(isMeasured).length])).toEqual([
    ['first', 2],
    ['second', 2],
  ]);
});

test('a broker that has died is a failed run with its last words, and is started again', async () => {
  await using broker = await startFaultyBroker();
  const address = broker.address;
  let starts = 0;
  let stops = 0;
  const peer: Peer = {
    name: 'mortal',
    describe: async () => 'dies once',
    start: async () => {
      const mortal = starts++ === 0;
      const at = mortal ? { host: '127.0.0.1', port: 1 } : address;
      return {
        target: { publishAt: at, subscribeAt: at },
        pids: [],
        problem: () => (mortal ? 'it ended (SIGSEGV): ouch' : undefined),
        [Symbol.asyncDispose]: async () => void stops++,
      };
    },
  };
  const options = { ...QUICK, runs: 2, workloads: selectWorkloads(['W1']) };
  const [result] = await bench({ peers: [peer], options, progress: quiet, signal: never });
  const [failed, good] = result?.runs as [Run, Run];
  expect('error' in failed && failed.error).toMatch(/ECONNREFUSED.*\nit ended \(SIGSEGV\): ouch/);
  expect(isMeasured(good)).toBe(true);
  expect([starts, stops]).toEqual([2, 2]);
});

test('once aborted, no run begins', async () => {
  const peer = external(
    { publishAt: { host: '127.0.0.1', port: 1 }, subscribeAt: { host: '127.0.0.1', port: 1 } },
    [],
  );
  const options = { ...QUICK, workloads: selectWorkloads(undefined) };
  expect(await bench({ peers: [peer], options, progress: quiet, signal: AbortSignal.abort() })).toEqual([]);
});

async function measuresFor(peer: Peer): Promise<void> {
  // Long enough that a machine busy with other tests delivers something within it.
  const options = { ...QUICK, warmupMs: 1_000, measureMs: 2_000, workloads: selectWorkloads(['W2', 'W5']) };
  const results = await bench({ peers: [peer], options, progress: quiet, signal: never });
  for (const { runs } of results) {
    expect(runs[0]).toMatchObject({ counts: { lost: 0, duplicates: 0, misrouted: 0, malformed: 0 } });
    const [run] = runs.filter(isMeasured);
    expect(run?.deliveredPerS).toBeGreaterThan(0);
    if (process.platform === 'linux') {
      expect(run?.cpuPerMillion).toBeGreaterThan(0);
      expect(run?.rssMiB).toBeGreaterThan(1);
    }
  }
}

test(
  "NATS' own MQTT listener is measured, its processes accounted for",
  () => measuresFor(natsMqtt()),
  120_000,
);

const mosquittoHere = await mosquitto(process.env).describe();
if (mosquittoHere !== undefined) {
  test(
    `${mosquittoHere} is measured, its process accounted for`,
    () => measuresFor(mosquitto(process.env)),
    120_000,
  );
} else {
  test('mosquitto is not on this machine: starting it says so', async () => {
    await expect(mosquitto(process.env).start()).rejects.toThrow(/cannot start "mosquitto"/);
  });
}
