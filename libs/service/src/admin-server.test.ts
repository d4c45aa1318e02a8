import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createAdminServer } from './admin-server.ts';
import { listen } from './listen.ts';
import { readinessReport, type ReadinessCheck } from './readiness.ts';

describe('the admin server', () => {
  const opened: { close(): unknown }[] = [];
  afterEach(() => {
    for (const server of opened.splice(0)) server.close();
  });

  async function start(state: {
    phase: string;
    checks?: Record<string, ReadinessCheck>;
    metrics?: () => Promise<string>;
  }) {
    const server = createAdminServer({
      readiness: () => readinessReport(state.phase, state.checks ?? {}),
      metricsText: state.metrics ?? ((format) => Promise.resolve(`${format}\n`)),
    });
    opened.push(server);
    const port = await listen(server, { host: '127.0.0.1', port: 0, what: 'admin', setting: 'admin.port' });
    return (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init);
  }

  it('/livez is 200 in every phase', async () => {
    const get = await start({ phase: 'draining' });
    expect((await get('/livez')).status).toBe(200);
  });

  it('/readyz is 200 only in phase ready and with every check passed, and names each', async () => {
    const state = {
      phase: 'starting',
      checks: { bus: () => bus, listener: () => true } as Record<string, ReadinessCheck>,
    };
    let bus: boolean | string = true;
    const get = await start(state);
    expect((await get('/readyz')).status).toBe(503);
    state.phase = 'ready';
    expect((await get('/readyz')).status).toBe(200);
    bus = 'no connection to NATS';
    const down = await get('/readyz');
    expect(down.status).toBe(503);
    expect(await down.json()).toEqual({
      ready: false,
      state: 'ready',
      checks: { bus: { ok: false, detail: 'no connection to NATS' }, listener: { ok: true } },
    });
    bus = true;
    state.phase = 'draining';
    expect((await get('/readyz')).status).toBe(503);
  });

  it('/readyz takes a check that throws for one that failed', async () => {
    const get = await start({ phase: 'ready', checks: { bus: () => JSON.parse('{') as boolean } });
    expect((await get('/readyz')).status).toBe(503);
  });

  it('/metrics answers in the format that the client accepts', async () => {
    const get = await start({ phase: 'ready' });
    const plain = await get('/metrics');
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await plain.text()).toBe('prometheus\n');
    const open = await get('/metrics', {
      headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' },
    });
    expect(open.headers.get('content-type')).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    );
    expect(await open.text()).toBe('openmetrics\n');
  });

  it('/metrics is 500 when the metrics cannot be read, without the reason', async () => {
    const get = await start({ phase: 'ready', metrics: () => Promise.reject(new Error('inner')) });
    const response = await get('/metrics');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('inner');
  });

  it('knows nothing else, and reads only', async () => {
    const get = await start({ phase: 'ready' });
    expect((await get('/')).status).toBe(404);
    const posted = await get('/livez', { method: 'POST' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('names what listens, the port and the setting when the port is taken', async () => {
    const first = createServer();
    opened.push(first);
    const port = await listen(first, { host: '127.0.0.1', port: 0, what: 'first', setting: 'mqtt.port' });
    const second = listen(createServer(), { host: '127.0.0.1', port, what: 'MQTT', setting: 'mqtt.port' });
    await expect(second).rejects.toThrow(
      `MQTT cannot listen on 127.0.0.1:${port}: the port is taken by another program; set another with TRIVIUM_MQTT_PORT (mqtt.port)`,
    );
  });
});
