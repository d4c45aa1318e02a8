import { expect, test, vi } from 'vitest';
import { startProcess } from './process.ts';
import { waitFor } from './wait-for.ts';

const node = (source: string, more: Partial<Parameters<typeof startProcess>[0]> = {}) =>
  startProcess({ command: process.execPath, args: ['-e', source], ...more });

test('output, input, environment and exit code', async () => {
  await using child = await node(
    `process.stdin.on('data', (d) => process.stdout.write('got ' + d + process.env.FLAVOUR));
     process.stdin.on('end', () => { process.stderr.write('bye'); process.exitCode = 3; });`,
    { env: { FLAVOUR: 'salt' } },
  );
  expect(child.exit()).toBeUndefined();
  child.write('a line\n');
  child.closeInput();
  expect(await child.exited).toEqual({ code: 3, signal: null });
  expect(child.stdout()).toBe('got a line\nsalt');
  expect(child.stderr()).toBe('bye');
  expect(child.output()).toContain('bye');
});

test('is ready when its output says so', async () => {
  await using child = await node(
    `setTimeout(() => console.log('listening on 7'), 50); setInterval(() => {}, 1000)`,
    {
      ready: /listening on \d/,
    },
  );
  expect(child.stdout()).toBe('listening on 7\n');
});

test('one that ends before it is ready is reported with its output', async () => {
  const child = node(`console.error('no port left'); process.exit(78)`, { ready: /never/ });
  await expect(child).rejects.toThrow(/ended \(78\) before it was ready:\nno port left/);
});

test('one that is not ready in time is ended and reported', async () => {
  const child = node(`console.log(process.pid); setInterval(() => {}, 1000)`, {
    ready: /never/,
    readyTimeoutMs: 5_000,
  });
  const error = await child.then(
    () => undefined,
    (reason: Error) => reason,
  );
  const pid = Number(/its output:\n(\d+)/.exec(error?.message ?? '')?.[1]);
  expect(pid).toBeGreaterThan(1);
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
});

test('output is plain, also where colours are forced', async () => {
  vi.stubEnv('FORCE_COLOR', '1');
  await using child = await node(`console.log(42)`);
  vi.unstubAllEnvs();
  await child.exited;
  expect(child.stdout()).toBe('42\n');
});

test('a command that does not exist is reported by name', async () => {
  await expect(startProcess({ command: '/no/such/program' })).rejects.toThrow(
    /cannot start "\/no\/such\/program"/,
  );
});

test('kill is kill -9', async () => {
  await using child = await node(
    `process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)`,
    {
      ready: /up/,
    },
  );
  expect(await child.kill()).toEqual({ code: null, signal: 'SIGKILL' });
});

test('stop lets it end by itself, and kills it when it does not', async () => {
  const polite = await node(
    `process.on('SIGTERM', () => process.exit(0)); console.log('up'); setInterval(() => {}, 1000)`,
    { ready: /up/ },
  );
  expect(await polite.stop()).toEqual({ code: 0, signal: null });
  expect(await polite.stop()).toEqual({ code: 0, signal: null });
  const stubborn = await node(
    `process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)`,
    {
      ready: /up/,
      stopTimeoutMs: 100,
    },
  );
  expect(await stubborn.stop()).toEqual({ code: null, signal: 'SIGKILL' });
});

test('leaving its scope ends it', async () => {
  let pid: number;
  {
    await using child = await node(`setInterval(() => {}, 1000)`);
    pid = child.pid;
  }
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
});

test('it does not outlive a test runner that is killed', async () => {
  const library = JSON.stringify(new URL('./process.ts', import.meta.url).href);
  await using runner = await startProcess({
    command: process.execPath,
    args: [
      '--input-type=module',
      '-e',
      `const { startProcess } = await import(${library});
       const child = await startProcess({ command: 'sleep', args: ['600'] });
       console.log('child ' + child.pid);
       setInterval(() => {}, 1000);`,
    ],
    ready: /child \d+\n/,
  });
  const pid = Number(/child (\d+)/.exec(runner.stdout())?.[1]);
  expect(process.kill(pid, 0)).toBe(true);
  await runner.kill();
  const isGone = () => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  };
  await waitFor(isGone, { message: `process ${pid} to be gone` });
});
