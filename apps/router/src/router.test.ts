import { encodeRequest, holdDoorLease, type HeldLease } from '@trivium/actors';
import { connectBus, type Bus, type Logger } from '@trivium/bus';
import {
  actorSubject,
  ConnectedEvent,
  decodeJson,
  DisconnectedEvent,
  doorLeaseKey,
  encodeJson,
  eventSubject,
  partitionOf,
  Presence,
  presenceKey,
} from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createRouter, type Router } from './router.ts';
import { DOOR_LOST } from './presence.ts';
import { routerConfig } from './testing/router-config.ts';

/** Routers in this process, on a real NATS; doors are leases and events. */
const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const config = { ...routerConfig, doorGraceMs: 300 };

let nats: NatsServer;
let bus: Bus;
const cleanups: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  nats = await startNats();
  bus = await connect();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const connect = (): Promise<Bus> => connectBus({ config: { url: nats.url, name: 'test' }, logger: silent });

async function startRouter(): Promise<Router & { stop(): Promise<void> }> {
  const own = await connect();
  const router = createRouter({ bus: own, config, logger: silent });
  const stop = async (): Promise<void> => {
    await router.close();
    await own.close();
  };
  cleanups.push(stop);
  await waitFor(() => router.actors.partitionsHeld > 0);
  return { ...router, stop };
}

interface Door {
  name: string;
  lease: HeldLease;
  connects(client: string, connection: string): Promise<void>;
  disconnects(client: string, connection: string): Promise<void>;
  /** Dies without a word. */
  dies(): Promise<void>;
}

async function startDoor(): Promise<Door> {
  const own = await connect();
  const lease = holdDoorLease({ bus: own, service: 'mqtt-ingress', ttlMs: 2_000, onLost: () => undefined });
  await lease.ready;
  const name = own.incarnation;
  const event = (client: string, connection: string): ConnectedEvent => ({
    v: 1,
    client,
    connection,
    door: name,
    service: 'mqtt-ingress',
    protocol: 'mqtt5',
    at: Date.now(),
  });
  let dead = false;
  const dies = async (): Promise<void> => {
    if (dead) return;
    dead = true;
    await own.close();
  };
  cleanups.push(async () => {
    await lease.release();
    await dies();
  });
  return {
    name,
    lease,
    async connects(client, connection) {
      await bus.publisher.store(
        eventSubject('connected', client),
        encodeJson(ConnectedEvent, event(client, connection)),
      );
    },
    async disconnects(client, connection) {
      const payload = encodeJson(DisconnectedEvent, { ...event(client, connection), reason: 'closed' });
      await bus.publisher.store(eventSubject('disconnected', client), payload);
    },
    dies,
  };
}

async function read(client: string): Promise<Presence | undefined> {
  const entry = await bus.bucket('devices').get(presenceKey(client));
  if (entry === undefined) return undefined;
  const snapshot = decodeJson(Presence, entry.value);
  if (!snapshot.ok) throw new Error(snapshot.error.message);
  return snapshot.value;
}

const becomes = (client: string, wanted: Partial<Presence>): Promise<unknown> =>
  waitFor(
    async () => {
      expect(await read(client)).toMatchObject(wanted);
      return true;
    },
    { timeoutMs: 30_000, message: `${client} to become ${JSON.stringify(wanted)}` },
  );

test('devices come and go in the bucket, and what happened while no router ran is known afterwards', async () => {
  const first = await startRouter();
  const door = await startDoor();
  await door.connects('a', 'k1');
  await door.connects('b/2', 'k1');
  await becomes('a', { online: true, door: door.name });
  await becomes('b/2', { online: true });
  await first.stop();
  await door.disconnects('a', 'k1');
  await door.connects('c', 'k1');
  await door.connects('c', 'k2');
  await door.disconnects('c', 'k1');
  await startRouter();
  await becomes('a', { online: false, reason: 'closed' });
  await becomes('c', { online: true, connection: 'k2' });
  await becomes('b/2', { online: true });
});

test('a door that dies without a word: its devices, and no others, are offline soon after its lease', async () => {
  await startRouter();
  const [dying, living] = [await startDoor(), await startDoor()];
  await dying.connects('d1', 'k1');
  await dying.connects('d2', 'k1');
  await dying.connects('d3', 'k1');
  await living.connects('d2', 'k2');
  await living.connects('d4', 'k1');
  await becomes('d4', { online: true });
  await dying.dies();
  await becomes('d1', { online: false, reason: DOOR_LOST });
  await becomes('d3', { online: false, reason: DOOR_LOST });
  expect(await read('d2')).toMatchObject({ online: true, door: living.name });
  expect(await read('d4')).toMatchObject({ online: true });
});

test('a door that died while no router ran is found when the partitions are taken', async () => {
  const first = await startRouter();
  const [dying, living] = [await startDoor(), await startDoor()];
  await dying.connects('e1', 'k1');
  await living.connects('e2', 'k1');
  await becomes('e1', { online: true });
  await becomes('e2', { online: true });
  await first.stop();
  await dying.dies();
  await dying.connects('e3', 'k1'); // its last words, never handled while it lived
  await waitFor(async () => (await bus.bucket('leases').get(doorLeaseKey(dying.name))) === undefined);
  await startRouter();
  await becomes('e1', { online: false, reason: DOOR_LOST });
  await becomes('e3', { online: false, reason: DOOR_LOST });
  expect(await read('e2')).toMatchObject({ online: true });
});

test('a door that stops in good order is no lost door', async () => {
  const router = await startRouter();
  const door = await startDoor();
  await door.connects('f1', 'k1');
  await becomes('f1', { online: true });
  await door.disconnects('f1', 'k1');
  await door.lease.release();
  await becomes('f1', { online: false, reason: 'closed' });
  await waitFor(() => router.doors.alive === 0);
  await waitFor(() => router.deadDoors.stats.swept > 0);
  expect(await read('f1')).toMatchObject({ reason: 'closed' });
});

test('a door whose lease lapsed and began anew has lost the devices from before', async () => {
  await startRouter();
  const door = await startDoor();
  await door.connects('g1', 'k1');
  await becomes('g1', { online: true });
  await door.lease.release();
  const own = await connect();
  const anew = { v: 1, incarnation: door.name, service: 'mqtt-ingress', startedAt: Date.now() + 1 };
  await bus.bucket('leases').put(doorLeaseKey(door.name), new TextEncoder().encode(JSON.stringify(anew)), {
    ttlSeconds: 600,
  });
  await waitFor(() => Date.now() > anew.startedAt);
  await door.connects('g2', 'k1');
  await becomes('g1', { online: false, reason: DOOR_LOST });
  await becomes('g2', { online: true });
  await bus.bucket('leases').delete(doorLeaseKey(door.name));
  await becomes('g2', { online: false, reason: DOOR_LOST });
  await own.close();
});

test('two routers share the devices, each answers for its own', async () => {
  const routers = [await startRouter(), await startRouter()];
  await waitFor(() => routers.every(({ actors }) => actors.partitionsHeld === 16));
  const door = await startDoor();
  const clients = Array.from({ length: 60 }, (_, i) => `h${i}`);
  await Promise.all(clients.map((client) => door.connects(client, 'k1')));
  for (const client of clients) await becomes(client, { online: true });
  for (const { actors } of routers) expect(actors.stats.handled).toBeGreaterThan(0);
  const answers = await Promise.all(
    clients.map((client) =>
      waitFor(() =>
        bus.request(actorSubject(partitionOf(client), client), encodeRequest('presence', { op: 'get' }), {
          timeoutMs: 10_000,
        }),
      ),
    ),
  );
  for (const [i, { data }] of answers.entries())
    expect(decodeJson(Presence, data)).toMatchObject({
      ok: true,
      value: { client: clients[i], online: true },
    });
});
