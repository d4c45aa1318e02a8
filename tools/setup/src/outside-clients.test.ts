import { describe, expect, it } from 'vitest';
import { BENCH_PEERS, ensureClients, TEST_CLIENTS } from './outside-clients.mjs';
import { createProgress } from './progress.mjs';
import type { Run } from './run.mjs';

/** A host on which the probes of `there` succeed and apt-get adds what it is asked for, if it can. */
function host(there: Set<string>, apt: boolean) {
  const calls: string[] = [];
  const run: Run = async (command, args) => {
    const line = [command, ...args].join(' ');
    if (line.includes('--print-uris')) {
      const stdout = "'http://x/a.deb' a.deb 90000001 SHA256:1\n'http://x/b.deb' b.deb 2 SHA256:2\n";
      return { code: apt ? 0 : 100, stdout: apt ? stdout : '', stderr: '' };
    }
    if (line.includes('apt-get')) {
      calls.push(line);
      if (apt && line.includes(' install ')) there.add(args.at(-1) ?? '');
      return { code: apt ? 0 : 100, stdout: '', stderr: '' };
    }
    const client = [...TEST_CLIENTS, ...BENCH_PEERS].find(({ probes }) =>
      probes.some((probe) => probe.join(' ') === line),
    );
    return { code: client && there.has(client.package) ? 0 : 1, stdout: '', stderr: '' };
  };
  const output: string[] = [];
  return {
    run,
    calls,
    output,
    progress: createProgress({ write: (text) => void output.push(text), now: () => 0 }),
  };
}

describe('outside clients', () => {
  it('are left alone when they are there', async () => {
    const { run, calls, progress, output } = host(
      new Set(['mosquitto-clients', 'python3-paho-mqtt', 'chromium']),
      true,
    );
    expect(await ensureClients({ clients: TEST_CLIENTS, run, progress, mayInstall: true })).toEqual([]);
    expect(calls).toEqual([]);
    expect(output).toEqual([]);
  });

  it('are installed where that is allowed, only the missing ones', async () => {
    const { run, calls, progress, output } = host(new Set(['mosquitto-clients']), true);
    expect(await ensureClients({ clients: TEST_CLIENTS, run, progress, mayInstall: true })).toEqual([]);
    expect(calls.filter((call) => call.includes(' install ')).map((call) => call.split(' ').at(-1))).toEqual([
      'python3-paho-mqtt',
      'chromium',
    ]);
    expect(output).toContain('setup: installing chromium (91 MB to download) …\n');
    expect(output).toContain('setup: installing chromium (91 MB to download): done (0.0 s)\n');
  });

  it.each([
    [false, true],
    [true, false],
  ])(
    'are listed with what to do when they cannot be had (may install: %s, apt works: %s)',
    async (mayInstall, apt) => {
      const { run, progress, output } = host(new Set(), apt);
      const missing = await ensureClients({ clients: TEST_CLIENTS, run, progress, mayInstall });
      expect(missing.map((client) => client.package)).toEqual([
        'mosquitto-clients',
        'python3-paho-mqtt',
        'chromium',
      ]);
      expect(output.join('')).toContain('sudo apt-get install mosquitto-clients python3-paho-mqtt chromium');
    },
  );

  it('never lets a package start its server', async () => {
    const { run, calls, progress } = host(new Set(), true);
    await ensureClients({ clients: BENCH_PEERS, run, progress, mayInstall: true });
    expect(calls.find((call) => call.includes(' install '))).toMatch(/policy-rc\.d/);
  });
});
