import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { freePorts, startProcess, tempDir, waitFor, type StartedProcess } from '@trivium/testing';
import { describe, expect, it } from 'vitest';
import { isRunning, readHubFile } from './hub-file.ts';

interface LaunchOptions {
  args?: string[];
  env?: Record<string, string>;
  /** With a real NATS; the fakes do without. */
  nats?: boolean;
  /** It will not become ready. */
  fails?: boolean;
}

/** The launcher as a process of its own, with fakes `door-a`, `door-b` and `core` on free ports. */
async function launch({ args = [], env = {}, nats = false, fails = false }: LaunchOptions = {}) {
  await using stack = new AsyncDisposableStack();
  const data = stack.use(await tempDir());
  const ports = await consecutivePorts();
  const [http = 0, natsPort = 0, monitorPort = 0] = await freePorts(3);
  const natsEnv = nats
    ? { TRIVIUM_UP_NATS_PORT: String(natsPort), TRIVIUM_UP_NATS_MONITOR_PORT: String(monitorPort) }
    : { TRIVIUM_NATS_URL: 'nats://127.0.0.1:1' };
  const launcher = stack.use(
    await startProcess({
      command: process.execPath,
      args: [join(import.meta.dirname, 'launch.fixture.ts'), ...args],
      env: {
        TRIVIUM_DATA_DIR: data.path,
        TRIVIUM_ADMIN_PORT: String(ports),
        TRIVIUM_HTTP_PORT: String(http),
        ...natsEnv,
        ...env,
      },
      ...(!fails && { ready: /Trivium is ready/ }),
    }),
  );
  const owned = stack.move();
  const pids = () => readHubFile(join(data.path, 'hub.json'))?.processes ?? [];
  return {
    launcher,
    http,
    natsPort,
    dataDir: data.path,
    admin: (index: number, path = '/readyz') => fetch(`http://127.0.0.1:${ports + index}${path}`),
    pidOf: (name: string) => pids().find((one) => one.name === name)?.pid,
    allPids: () => pids().flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    journal: () => readFileSync(join(data.path, 'journal'), 'utf8').trim().split('\n'),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The first of three free ports in a row, with room for `--scale`: admin ports are counted from the first. */
async function consecutivePorts(): Promise<number> {
  for (;;) {
    const [first = 0] = await freePorts(1);
    const taken = await Promise.all([1, 2, 10, 11, 12].map((n) => isTaken(first + n)));
    if (!taken.includes(true)) return first;
  }
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(true));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(false)));
  });
}

/** What NATS says first to whoever connects. */
async function greeting(port: number): Promise<unknown> {
  const socket = connect(port, '127.0.0.1');
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return JSON.parse(data.toString('utf8').slice('INFO '.length));
}

const says = (launcher: StartedProcess, pattern: RegExp) =>
  waitFor(() => pattern.test(launcher.output()), {
    message: () => `${pattern} in:\n${launcher.output()}`,
    timeoutMs: 15_000,
  });

describe('npm start', () => {
  it('starts NATS and every service, drains doors, then the core, then NATS on Ctrl-C', async () => {
    await using hub = await launch({ nats: true });
    const pids = hub.allPids();
    expect(pids).toHaveLength(4);
    expect((await (await fetch(`http://127.0.0.1:${hub.http}/`)).json()) as object).toMatchObject({
      TRIVIUM_NATS_URL: expect.stringMatching(/^nats:\/\/127\.0\.0\.1:\d+$/),
      TRIVIUM_PARENT: 'ipc',
    });
    void hub.launcher.kill('SIGINT');
    expect(await hub.launcher.exited).toEqual({ code: 0, signal: null });
    const journal = hub.journal();
    expect(journal.slice(0, 4).every((line) => line.startsWith('door-'))).toBe(true);
    expect(journal.slice(4)).toEqual(['core told to stop by SIGTERM', 'core stopped']);
    expect(hub.launcher.output()).toMatch(/core stopped\n(.|\n)*nats-server stopped/);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(existsSync(join(hub.dataDir, 'hub.json'))).toBe(false);
  });

  it('runs a NATS that lets in nobody without a key, and shows the key of an administrator but keeps it nowhere', async () => {
    await using hub = await launch({ nats: true, env: { FAKE_FIRST_KEY: 'tvk_shown_once' } });
    expect(hub.launcher.output()).toContain('tvk_shown_once');
    expect(await greeting(hub.natsPort)).toMatchObject({ auth_required: true });
    const files = readdirSync(hub.dataDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const seeds = files.filter((file) => file.endsWith('.nk'));
    expect(seeds.map((file) => statSync(file).mode & 0o777)).toEqual(seeds.map(() => 0o600));
    expect(seeds).toHaveLength(5);
    const secrets = ['tvk_shown_once', ...seeds.map((file) => readFileSync(file, 'utf8').trim())];
    for (const file of files.filter((one) => !seeds.includes(one)))
      for (const secret of secrets)
        expect([file, readFileSync(file, 'latin1').includes(secret)]).toEqual([file, false]);
    expect(files).toContain(join(hub.dataDir, 'hub.json'));
  });

  it('writes down where its doors are, over TLS too, for tools', async () => {
    const [tls = 0] = await freePorts(1);
    const env = { TRIVIUM_TLS_CERT: 'cert.pem', TRIVIUM_HTTP_TLS_PORT: String(tls) };
    await using hub = await launch({ env });
    expect(readHubFile(join(hub.dataDir, 'hub.json'))?.processes).toContainEqual(
      expect.objectContaining({
        ...{ name: 'door-a', address: `http://127.0.0.1:${hub.http}` },
        tlsAddress: `https://127.0.0.1:${tls}`,
      }),
    );
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('drains on %s too', async (signal) => {
    await using hub = await launch();
    void hub.launcher.kill(signal);
    expect(await hub.launcher.exited).toEqual({ code: 0, signal: null });
    expect(hub.journal().filter((line) => line.endsWith(' stopped'))).toHaveLength(3);
  });

  it('takes a repeated SIGINT of the same key press for one, a later one for impatience', async () => {
    await using hub = await launch({ env: { FAKE_B: '{"FAKE_HANG":"1"}' } });
    const pids = hub.allPids();
    const pressed = performance.now();
    void hub.launcher.kill('SIGINT');
    void hub.launcher.kill('SIGINT');
    await says(hub.launcher, /core|door-a stopped/);
    expect(hub.launcher.output()).not.toMatch(/ending everything/);
    await waitFor(() => performance.now() - pressed > 600);
    void hub.launcher.kill('SIGINT');
    expect((await hub.launcher.exited).code).toBe(0);
    expect(hub.launcher.output()).toMatch(/ending everything at once/);
    expect(pids.filter(isRunning)).toEqual([]);
  });

  it('kills a service that does not stop in time', async () => {
    await using hub = await launch({
      env: { FAKE_B: '{"FAKE_HANG":"1"}', TRIVIUM_UP_STOP_TIMEOUT_MS: '300' },
    });
    void hub.launcher.kill('SIGTERM');
    expect((await hub.launcher.exited).code).toBe(0);
    expect(hub.launcher.output()).toMatch(/door-b did not stop by itself and was killed/);
  });

  it('starts a crashed service again, later each time, and reports how it ended', async () => {
    await using hub = await launch();
    const first = hub.pidOf('door-b') ?? 0;
    process.kill(first, 'SIGKILL');
    await says(hub.launcher, /door-b ended \(SIGKILL\), starting it again in 250 ms/);
    await waitFor(async () => (await hub.admin(1)).ok && hub.pidOf('door-b') !== first);
    await hub.admin(1, '/exit').catch(() => undefined);
    await says(hub.launcher, /door-b ended \(exit code 3\), starting it again in 500 ms/);
    await waitFor(async () => (await hub.admin(1)).ok);
    expect((await hub.admin(0)).ok).toBe(true);
  });

  it('starts a killed NATS again', async () => {
    await using hub = await launch({ nats: true });
    const first = hub.pidOf('nats-server') ?? 0;
    process.kill(first, 'SIGKILL');
    await says(hub.launcher, /nats-server ended \(SIGKILL\)/);
    await waitFor(() => (hub.pidOf('nats-server') ?? first) !== first);
    expect(isRunning(hub.pidOf('nats-server') ?? 0)).toBe(true);
  });

  it('leaves no process behind when it is killed itself, and the next one starts', async () => {
    await using hub = await launch({ nats: true });
    const pids = hub.allPids();
    expect(pids.filter(isRunning)).toHaveLength(4);
    await hub.launcher.kill('SIGKILL');
    await waitFor(() => pids.filter(isRunning).length === 0);
    expect(hub.journal().filter((line) => line.endsWith('disconnect'))).toHaveLength(3);
    await using next = await launch({ nats: true, env: { TRIVIUM_DATA_DIR: hub.dataDir } });
    expect((await next.admin(0)).ok).toBe(true);
  });

  it('refuses to run twice on one data directory', async () => {
    await using hub = await launch();
    await using second = await launch({ env: { TRIVIUM_DATA_DIR: hub.dataDir }, fails: true });
    expect((await second.launcher.exited).code).toBe(1);
    expect(second.launcher.output()).toContain(
      `a hub already runs on ${hub.dataDir} (process ${hub.launcher.pid})`,
    );
  });

  it('names the service, the number and the setting of every taken port, and starts nothing', async () => {
    await using other = await launch();
    await using hub = await launch({ env: { TRIVIUM_HTTP_PORT: String(other.http) }, fails: true });
    expect((await hub.launcher.exited).code).toBe(1);
    expect(hub.launcher.output()).toContain(
      `door-a (HTTP): port ${other.http} is taken; stop what uses it, or set TRIVIUM_HTTP_PORT`,
    );
    expect(existsSync(join(hub.dataDir, 'journal'))).toBe(false);
  });

  it('reports all wrong settings and arguments together with 78', async () => {
    await using hub = await launch({
      args: ['--scale', 'nothing=2', '--what'],
      env: { TRIVIUM_HTTP_PORT: 'eighty', TRIVIUM_PORT_OFFSET: '-1' },
      fails: true,
    });
    expect((await hub.launcher.exited).code).toBe(78);
    for (const name of ['nothing', '--what', 'TRIVIUM_HTTP_PORT', 'TRIVIUM_PORT_OFFSET'])
      expect(hub.launcher.output()).toContain(name);
  });

  it('ends with 78 and its message when a service refuses its settings', async () => {
    await using hub = await launch({ env: { FAKE_B: '{"FAKE_REFUSE":"1"}' }, fails: true });
    expect((await hub.launcher.exited).code).toBe(78);
    expect(hub.launcher.output()).toMatch(/door-b +error fake: the configuration is not valid/);
  });

  it('ends with 1 and names the service that does not become ready', async () => {
    await using hub = await launch({
      env: { FAKE_B: '{"FAKE_NEVER_READY":"1"}', TRIVIUM_UP_READY_TIMEOUT_MS: '8000' },
      fails: true,
    });
    expect((await hub.launcher.exited).code).toBe(1);
    expect(hub.launcher.output()).toMatch(/door-b is not ready after 8 s .*door-b\.log/);
    expect(hub.launcher.output()).not.toMatch(/core is not ready/);
  });

  it('runs more processes of a service on ports higher by ten', async () => {
    await using hub = await launch({ args: ['--scale', 'door-b=2', '--scale', 'core=0'] });
    const pids = await Promise.all([1, 11].map(async (index) => (await hub.admin(index)).text()));
    expect(pids).toEqual([hub.pidOf('door-b'), hub.pidOf('door-b-1')].map(String));
    expect(hub.pidOf('core')).toBeUndefined();
  });

  it('shows warnings as they are logged and nothing below, and keeps the log of the start before', async () => {
    await using hub = await launch();
    await hub.admin(1, '/info');
    await hub.admin(1, '/warn');
    await says(hub.launcher, /door-b +warn +a warning/);
    expect(hub.launcher.output()).not.toContain('nothing to see');
    await hub.launcher.stop();
    await using next = await launch({ env: { TRIVIUM_DATA_DIR: hub.dataDir } });
    expect(readFileSync(join(hub.dataDir, 'logs/door-b.log.1'), 'utf8')).toContain('nothing to see');
    expect(readFileSync(join(hub.dataDir, 'logs/door-b.log'), 'utf8')).toBe('');
    expect((await next.admin(1)).ok).toBe(true);
  });
});
