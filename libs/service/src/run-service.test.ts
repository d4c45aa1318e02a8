import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startFixture as start, type FixtureProcess } from './fixture-process.ts';
import { ECHO_MS } from './life-cycle.ts';
import { listen } from './listen.ts';

const messages = ({ logs }: FixtureProcess) => logs.map(({ msg }) => msg);

describe.concurrent('runService', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('drains on %s and exits 0', async (signal) => {
    await using service = start();
    await service.logged('is ready');
    service.child.kill(signal);
    expect(await service.exit).toBe(0);
    expect(messages(service)).toEqual(['starting', 'fixture is ready', 'stopping', 'bus drained', 'stopped']);
    expect((await service.logged('stopping'))['reason']).toBe(signal);
  });

  it('serves health and metrics, and is not ready while the bus is down', async () => {
    await using service = start();
    expect((await service.get('/livez')).status).toBe(200);
    expect((await service.get('/readyz')).status).toBe(200);
    expect(await (await service.get('/metrics')).text()).toContain('nodejs_eventloop_delay');
    service.command('bus down');
    await expect.poll(async () => (await service.get('/readyz')).status).toBe(503);
    expect(await (await service.get('/readyz')).json()).toMatchObject({
      checks: { bus: { ok: false, detail: 'no connection to NATS' } },
    });
    expect((await service.get('/livez')).status).toBe(200);
    service.command('bus up');
    await expect.poll(async () => (await service.get('/readyz')).status).toBe(200);
  });

  it('is not ready, and alive, while it drains', async () => {
    await using service = start('stage hangs');
    await service.get('/readyz');
    service.child.kill('SIGTERM');
    await service.logged('stopping');
    const response = await service.get('/readyz');
    expect([response.status, ((await response.json()) as { state: string }).state]).toEqual([
      503,
      'draining',
    ]);
    expect((await service.get('/livez')).status).toBe(200);
  });

  it('cancels what is in flight past the grace time, and then drains to the end', async () => {
    await using service = start('stage waits for cancel', { TRIVIUM_DRAIN_GRACE_MS: '50' });
    await service.logged('is ready');
    service.child.kill('SIGTERM');
    expect(await service.exit).toBe(0);
    expect(await service.logged('the grace time is over')).toMatchObject({
      stage: 'finishInFlight',
      graceMs: 50,
    });
    expect(messages(service).at(-1)).toBe('stopped');
  });

  it('exits 1 past the force time and names the stage that hung', async () => {
    await using service = start('stage hangs', {
      TRIVIUM_DRAIN_GRACE_MS: '20',
      TRIVIUM_DRAIN_FORCE_MS: '100',
    });
    await service.logged('is ready');
    service.child.kill('SIGTERM');
    expect(await service.exit).toBe(1);
    expect(await service.logged('hung')).toMatchObject({ level: 'error', stage: 'closeClients' });
  });

  it('is forced by a second signal', async () => {
    await using service = start('stage hangs');
    await service.logged('is ready');
    service.child.kill('SIGINT');
    await service.logged('stopping');
    await delay(ECHO_MS + 50);
    service.child.kill('SIGINT');
    expect(await service.exit).toBe(1);
    expect(await service.logged('exiting by force')).toMatchObject({ stage: 'closeClients' });
  });

  it('goes on past a stage that fails, and exits 1', async () => {
    await using service = start('stage fails');
    await service.logged('is ready');
    service.child.kill('SIGTERM');
    expect(await service.exit).toBe(1);
    expect(await service.logged('a drain stage failed')).toMatchObject({ stage: 'stopAccepting' });
    expect(messages(service)).toContain('bus drained');
  });

  it('told to stop while it starts, lets the start give up and exits 0', async () => {
    await using service = start('start gives up');
    await service.logged('starting');
    service.child.kill('SIGTERM');
    expect(await service.exit).toBe(0);
  });

  it('told to stop in a start that hangs, exits 1 past the force time', async () => {
    await using service = start('start hangs', {
      TRIVIUM_DRAIN_GRACE_MS: '20',
      TRIVIUM_DRAIN_FORCE_MS: '100',
    });
    await service.logged('starting');
    service.child.kill('SIGTERM');
    expect(await service.exit).toBe(1);
    expect(await service.logged('hung')).toMatchObject({ stage: 'start' });
  });

  it('drains when the launcher has gone', async () => {
    await using service = start('normal', {}, { ipc: true });
    await service.logged('is ready');
    service.child.disconnect();
    expect(await service.exit).toBe(0);
    expect((await service.logged('stopping'))['reason']).toBe('parent gone');
  });

  it('drains to the end even when nobody reads its output any more', async () => {
    await using service = start('normal', {}, { ipc: true });
    await service.logged('is ready');
    service.child.stdout?.destroy();
    service.child.stderr?.destroy();
    service.child.disconnect();
    expect(await service.exit).toBe(0);
  });

  it.each([
    ['throw', 'a bug', 'uncaughtException'],
    ['reject', 'a forgotten promise', 'unhandledRejection'],
  ])('a defect (%s) is logged and ends the process with 70', async (command, message, origin) => {
    await using service = start();
    await service.logged('is ready');
    service.command(command);
    expect(await service.exit).toBe(70);
    expect(await service.logged('defect')).toMatchObject({
      level: 'fatal',
      code: 'defect',
      origin,
      err: { message },
    });
  });

  it('a defect in start ends with 70', async () => {
    await using service = start('start fails');
    expect(await service.exit).toBe(70);
    expect(await service.logged('defect')).toMatchObject({
      err: { type: 'TypeError', message: 'a bug in start' },
    });
  });

  it('a bus that does not answer ends with 1 and a sentence, without a stack', async () => {
    await using service = start('bus unreachable');
    expect(await service.exit).toBe(1);
    const line = await service.logged('cannot start');
    expect(line).toMatchObject({
      code: 'bus.unavailable',
      msg: 'fixture cannot start: NATS does not answer at nats://127.0.0.1:4222',
    });
    expect(line).not.toHaveProperty('err');
  });

  it('a taken admin port ends with 1 and names the service, the port and the setting', async () => {
    const other = createServer();
    const port = await listen(other, { host: '127.0.0.1', port: 0, what: 'other', setting: 'x.port' });
    await using service = start('normal', { TRIVIUM_ADMIN_PORT: String(port) });
    expect(await service.exit).toBe(1);
    const { msg } = await service.logged('cannot listen');
    for (const part of ['fixture', `127.0.0.1:${port}`, 'taken', 'TRIVIUM_ADMIN_PORT'])
      expect(msg).toContain(part);
    other.close();
  });

  it('wrong configuration ends with 78 and every fault on standard error', async () => {
    await using service = start('normal', {
      TRIVIUM_ADMIN_PORT: 'x',
      TRIVIUM_LOG_LEVEL: 'loud',
      TRIVIUM_CONFIG: '/no/such/trivium.yaml',
    });
    expect(await service.exit).toBe(78);
    expect(service.stderr()).toContain('/no/such/trivium.yaml');
    await using second = start('normal', { TRIVIUM_ADMIN_PORT: 'x', TRIVIUM_LOG_LEVEL: 'loud' });
    expect(await second.exit).toBe(78);
    expect(second.stderr()).toContain('config.invalid');
    expect(second.stderr()).toContain('TRIVIUM_ADMIN_PORT');
    expect(second.stderr()).toContain('TRIVIUM_LOG_LEVEL');
    expect(second.logs).toEqual([]);
  });
});
