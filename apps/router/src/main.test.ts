import { join } from 'node:path';
import { connectBus, type Bus, type Logger } from '@trivium/bus';
import {
  ConnectedEvent,
  decodeJson,
  encodeJson,
  eventSubject,
  Presence,
  presenceKey,
} from '@trivium/contracts';
import { holdDoorLease } from '@trivium/actors';
import { freePort, startNats, startProcess, waitFor, type StartedProcess } from '@trivium/testing';
import { expect, test } from 'vitest';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

interface RouterProcess extends StartedProcess {
  admin: string;
}

async function startRouter(url: string): Promise<RouterProcess> {
  const port = await freePort();
  const admin = `http://127.0.0.1:${port}`;
  const env = {
    TRIVIUM_NATS_URL: url,
    TRIVIUM_ADMIN_PORT: String(port),
    TRIVIUM_ROUTER_LEASE_TTL_MS: '2000',
  };
  const started = await startProcess({
    command: process.execPath,
    args: [join(import.meta.dirname, 'main.ts')],
    env,
    ready: async () => (await fetch(`${admin}/readyz`)).ok,
  });
  return Object.assign(started, { admin });
}

async function metric(router: RouterProcess, name: string): Promise<number> {
  const text = await (await fetch(`${router.admin}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)`, 'm').exec(text)?.[1]);
}

async function online(bus: Bus, client: string): Promise<boolean | undefined> {
  const entry = await bus.bucket('devices').get(presenceKey(client));
  if (entry === undefined) return undefined;
  const read = decodeJson(Presence, entry.value);
  return read.ok ? read.value.online : undefined;
}

test('a router is killed and started again: presence knows what happened meanwhile', async () => {
  await using nats = await startNats();
  const bus = await connectBus({ config: { url: nats.url, name: 'test' }, logger: silent });
  try {
    const door = holdDoorLease({ bus, service: 'mqtt-ingress', onLost: () => undefined });
    await door.ready;
    const event = (client: string): Uint8Array =>
      encodeJson(ConnectedEvent, {
        v: 1,
        client,
        connection: 'k1',
        door: bus.incarnation,
        service: 'mqtt-ingress',
        protocol: 'mqtt5',
        at: Date.now(),
      });
    const store = (kind: 'connected' | 'disconnected', client: string): Promise<unknown> =>
      bus.publisher.store(eventSubject(kind, client), event(client));

    const killed = await startRouter(nats.url);
    await waitFor(async () => (await metric(killed, 'trivium_router_partitions')) === 32);
    await store('connected', 'a');
    await waitFor(() => online(bus, 'a'));
    expect(await metric(killed, 'trivium_router_events_total')).toBe(1);
    await killed.kill();
    await store('disconnected', 'a');
    await store('connected', 'b');

    await using next = await startRouter(nats.url);
    await waitFor(async () => (await online(bus, 'a')) === false && (await online(bus, 'b')) === true, {
      timeoutMs: 30_000,
    });
    await waitFor(async () => (await metric(next, 'trivium_router_partitions')) === 32);

    const stopping = performance.now();
    expect(await next.kill('SIGTERM')).toMatchObject({ code: 0 });
    // Not the whole time that it has for it.
    expect(performance.now() - stopping).toBeLessThan(9_000);
    const leases = await bus.bucket('leases').entries('partition.*');
    expect(leases).toEqual([]);
    await door.release();
  } finally {
    await bus.close();
  }
});

test('not ready while NATS is away, and ready again after it', async () => {
  await using nats = await startNats();
  await using router = await startRouter(nats.url);
  const ready = async (): Promise<number> => (await fetch(`${router.admin}/readyz`)).status;
  await nats.kill();
  await waitFor(async () => (await ready()) === 503);
  await nats.restart();
  await waitFor(async () => (await ready()) === 200, { timeoutMs: 45_000 });
});

test('a wrong setting ends the start with exit code 78 and its name', async () => {
  const started = await startProcess({
    command: process.execPath,
    args: [join(import.meta.dirname, 'main.ts')],
    env: { TRIVIUM_ROUTER_LEASE_TTL_MS: '2500' },
  });
  expect(await started.exited).toMatchObject({ code: 78 });
  expect(started.output()).toMatch(/leaseTtlMs|TRIVIUM_ROUTER_LEASE_TTL_MS/);
});
