import { join } from 'node:path';
import { connectBus, type Bus } from '@trivium/bus';
import {
  decodeMsgId,
  doorLeaseKey,
  encodeJson,
  ExactlyOnceRecord,
  partitionOf,
  sessionKey,
  type SessionRecord,
} from '@trivium/contracts';
import { createSessionStore, type SessionStore } from '@trivium/sessions';
import {
  freePort,
  startNats,
  startProcess,
  waitFor,
  type NatsServer,
  type StartedProcess,
} from '@trivium/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createDeadSessions } from './dead-sessions.ts';
import { type Doors, watchDoors } from './doors.ts';
import { createRouter, type Router } from './router.ts';
import { watchSessions } from './session-watch.ts';
import { systemClock } from '@trivium/actors';
import { sessionRecord, silent, startSessionDoor, will } from './testing/session-door.ts';
import { routerConfig } from './testing/router-config.ts';

const LONG = { timeoutMs: 90_000 };
let nats: NatsServer;
let bus: Bus;
let store: SessionStore;
const cleanups: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  nats = await startNats();
  bus = await connect();
  store = createSessionStore(bus);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const connect = (): Promise<Bus> => connectBus({ config: { url: nats.url, name: 'test' }, logger: silent });

async function startRouter(): Promise<Router> {
  const own = await connect();
  const router = createRouter({ bus: own, config: routerConfig, logger: silent });
  cleanups.push(async () => {
    await router.close();
    await own.close();
  });
  await waitFor(() => router.actors.partitionsHeld > 0, LONG);
  return router;
}

/** Ids of the wills in the log, in order. */
async function wills(of: string): Promise<string[]> {
  const ids: string[] = [];
  const follower = bus.follow({
    stream: 'MESSAGES',
    after: 0,
    lane: 'scan',
    onMessage(_pos, { headers }) {
      const id = decodeMsgId((name) => headers?.get(name));
      if (id?.startsWith(`will/${of}`)) ids.push(id);
    },
  });
  await follower.caughtUp();
  follower.close();
  return ids;
}

/** In portions: all at once, a busy machine would take longer than NATS is given for an answer. */
async function connectAll(
  clients: readonly string[],
  connects: (client: string, i: number) => Promise<unknown>,
): Promise<void> {
  for (let at = 0; at < clients.length; at += 100)
    await Promise.all(clients.slice(at, at + 100).map((client, i) => connects(client, at + i)));
}

const record = async (client: string): Promise<SessionRecord | undefined> =>
  (await store.read(client))?.record;
const isFree = async (client: string): Promise<boolean> => {
  const found = await record(client);
  return found !== undefined && found.door === undefined && found.due === undefined;
};
const isGone = async (client: string): Promise<boolean> => (await store.read(client)) === undefined;

test('a door dies: its clean sessions are gone with their exchanges, its persistent ones free, all wills published', async () => {
  await startRouter();
  await using living = await startSessionDoor(nats.url);
  const dying = await startSessionDoor(nats.url);
  const kept = {
    pos: 7,
    epoch: 4,
    subscriptions: [{ filter: 'a/#', qos: 1 as const, from: 3 }],
    open: [{ id: 9, pos: 5 }],
    exactlyOnce: true,
  };
  await dying.connects('a/clean', { clean: true, exactlyOnce: true });
  const exchanges = { v: 1 as const, epoch: 1, incoming: [], outgoing: [], begun: 0 };
  await bus.bucket('qos2').put(sessionKey('a/clean'), encodeJson(ExactlyOnceRecord, exchanges));
  await dying.connects('a-clean-will', { clean: true, will: will('gone/clean', { retain: true }) });
  await dying.connects('a-kept', { ...kept, will: will('gone/kept', { qos: 0 }) });
  await dying.connects('a-plain', kept);
  await dying.connects('a-ends', { expirySeconds: 0 });
  const untouched = await living.connects('a-living', { will: will('gone/living') });
  await dying.dies();

  await waitFor(() => isFree('a-kept'), LONG);
  await waitFor(() => isFree('a-plain'), LONG);
  for (const client of ['a/clean', 'a-clean-will', 'a-ends']) await waitFor(() => isGone(client), LONG);
  expect(await record('a-kept')).toEqual(
    sessionRecord({ ...kept, epoch: 5, connectedAt: expect.any(Number) }),
  );
  expect(await record('a-plain')).toEqual(
    sessionRecord({ ...kept, epoch: 5, connectedAt: expect.any(Number) }),
  );
  expect(await bus.bucket('qos2').get(sessionKey('a/clean'))).toBeUndefined();
  expect((await wills('a')).sort()).toEqual(['will/a-clean-will/1', 'will/a-kept/4']);
  expect((await bus.bucket('sessions').get('a-living'))?.revision).toBe(untouched);
});

test('a persistent session that was freed goes by itself when it expires, and stays without an expiry', async () => {
  const router = await startRouter();
  const dying = await startSessionDoor(nats.url);
  await dying.connects('b-short', { expirySeconds: 2 });
  await dying.connects('b-long');
  await dying.dies();
  await waitFor(() => isFree('b-short'), LONG);
  await waitFor(() => isFree('b-long'), LONG);
  expect((await record('b-short'))?.expirySeconds).toBe(2);
  await waitFor(() => isGone('b-short'), LONG);
  await waitFor(() => router.sessions.get('b-short') === undefined, LONG);
  expect(await isFree('b-long')).toBe(true);
});

test('a door that died while no router ran, and a session that was left half settled, are finished by the next router', async () => {
  const dying = await startSessionDoor(nats.url);
  await dying.connects('c-will', { will: will('gone/c') });
  await dying.dies();
  const due = [{ epoch: 3, will: will('gone/half'), after: 0 }];
  await store.write('c-half', sessionRecord({ epoch: 4, due }), 0);
  await store.write('c-half-clean', sessionRecord({ epoch: 4, due, clean: true }), 0);
  await store.write('c-ended', sessionRecord({ clean: true }), 0);
  // Its will is in the log already: the router that published it died before it could say so.
  await bus.storeOnce({
    subject: 'tv1.m.1.c-half.gone.half',
    payload: Buffer.from('gone'),
    headers: {},
    msgId: 'will/c-half/3',
    old: false,
    after: 0,
  });
  await waitFor(async () => (await bus.bucket('leases').get(doorLeaseKey(dying.name))) === undefined, LONG);
  await startRouter();
  await waitFor(() => isFree('c-will'), LONG);
  await waitFor(() => isFree('c-half'), LONG);
  for (const client of ['c-half-clean', 'c-ended']) await waitFor(() => isGone(client), LONG);
  expect((await record('c-half'))?.epoch).toBe(4);
  expect((await wills('c')).sort()).toEqual(['will/c-half-clean/3', 'will/c-half/3', 'will/c-will/1']);
});

test('a lease begun anew: the sessions from before it are settled, the others are not', async () => {
  await startRouter();
  await using door = await startSessionDoor(nats.url);
  await door.connects('d-before', { connectedAt: Date.now() - 60_000, will: will('gone/d') });
  await door.connects('d-now', { will: will('gone/d') });
  await waitFor(() => isFree('d-before'), LONG);
  expect(await wills('d')).toEqual(['will/d-before/1']);
  expect((await record('d-now'))?.door).toBe(door.name);
});

/** What settles sessions, without the placement: it holds everything. */
async function startSettling(given?: Doors): Promise<ReturnType<typeof createDeadSessions>> {
  const own = await connect();
  const doors =
    given ??
    watchDoors({ leases: own.bucket('leases'), logger: silent, onChange: (door) => dead.doorLost(door) });
  const sessions = watchSessions({
    bus: own,
    clock: systemClock,
    logger: silent,
    onChange: (client) => dead.changed(client),
  });
  const dead = createDeadSessions({
    bus: own,
    doors,
    sessions,
    clock: systemClock,
    logger: silent,
    graceMs: 100,
    holds: () => true,
  });
  cleanups.push(async () => {
    dead.close();
    sessions.close();
    doors.close();
    await own.close();
  });
  await Promise.all([doors.ready, sessions.ready]);
  return dead;
}

test('a router that has not seen the lease of a door asks for it before it takes a session away', async () => {
  await using door = await startSessionDoor(nats.url);
  const revision = await door.connects('h-living', { will: will('gone/h') });
  let judged = 0;
  const blind: Doors = {
    ready: Promise.resolve(),
    alive: 0,
    sessionDoors: () => [],
    judge() {
      judged++;
      return { lost: true, since: undefined };
    },
    close() {},
  };
  await startSettling(blind);
  // Again and again, and never settled.
  await waitFor(() => judged > 30, LONG);
  expect((await bus.bucket('sessions').get('h-living'))?.revision).toBe(revision);
  expect(await wills('h')).toEqual([]);
});

test('several routers that settle the same sessions at once publish each will once', async () => {
  const settling = [await startSettling(), await startSettling(), await startSettling()];
  const dying = await startSessionDoor(nats.url);
  const clients = Array.from({ length: 400 }, (_, i) => `e${i}`);
  await connectAll(clients, (client, i) =>
    dying.connects(client, { clean: i % 2 === 0, will: will(`gone/${client}`) }),
  );
  await dying.dies();
  for (const [i, client] of clients.entries())
    await waitFor(() => (i % 2 === 0 ? isGone(client) : isFree(client)), LONG);
  await waitFor(() => settling.every(({ stats }) => stats.waiting === 0), LONG);
  expect((await wills('e')).sort()).toEqual(clients.map((client) => `will/${client}/1`).sort());
  // Each was freed by one of them.
  for (const client of clients.filter((_, i) => i % 2 === 1)) expect((await record(client))?.epoch).toBe(2);
});

test('NATS goes away in the middle: everything is settled when it is back, each will once', async () => {
  await using own = await startNats();
  const ownBus = await connectBus({ config: { url: own.url, name: 'test' }, logger: silent });
  const router = createRouter({ bus: ownBus, config: routerConfig, logger: silent });
  const dying = await startSessionDoor(own.url);
  const clients = Array.from({ length: 1_000 }, (_, i) => `f${i}`);
  await connectAll(clients, (client) => dying.connects(client, { will: will(`gone/${client}`) }));
  await dying.dies();
  await waitFor(() => router.deadSessions.stats.settled > 0, LONG);
  await own.kill();
  expect(router.deadSessions.stats.settled).toBeLessThan(1_000);
  await own.restart();
  // Not by what it counts as settled: what was stored while its answer was lost is found done.
  await waitFor(() => ownBus.up && router.deadSessions.stats.waiting === 0, {
    ...LONG,
    message: () => JSON.stringify(router.deadSessions.stats),
  });
  const ids: string[] = [];
  const follower = ownBus.follow({
    stream: 'MESSAGES',
    after: 0,
    onMessage: (_pos, { headers }) => ids.push(decodeMsgId((name) => headers?.get(name)) ?? 'none'),
  });
  await follower.caughtUp();
  expect(ids.sort()).toEqual(clients.map((client) => `will/${client}/1`).sort());
  await router.close();
  await ownBus.close();
});

async function startRouterProcess(url: string): Promise<StartedProcess> {
  const port = await freePort();
  return startProcess({
    command: process.execPath,
    args: [join(import.meta.dirname, 'main.ts')],
    env: {
      TRIVIUM_NATS_URL: url,
      TRIVIUM_ADMIN_PORT: String(port),
      TRIVIUM_ROUTER_LEASE_TTL_MS: '2000',
      TRIVIUM_ROUTER_DOOR_GRACE_MS: '200',
    },
    ready: async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok,
  });
}

test('a router is killed while it settles: the next one finishes, each will once', async () => {
  await using own = await startNats();
  const ownBus = await connectBus({ config: { url: own.url, name: 'test' }, logger: silent });
  const first = await startRouterProcess(own.url);
  const partitions = async (): Promise<number> =>
    (await ownBus.bucket('leases').entries('partition.*')).length;
  await waitFor(async () => (await partitions()) === 32, LONG);
  const dying = await startSessionDoor(own.url);
  const clients = Array.from({ length: 3_000 }, (_, i) => `g${i}`);
  await connectAll(clients, (client) => dying.connects(client, { will: will(`gone/${client}`) }));
  const ids: string[] = [];
  const follower = ownBus.follow({
    stream: 'MESSAGES',
    after: 0,
    onMessage: (_pos, { headers }) => ids.push(decodeMsgId((name) => headers?.get(name)) ?? 'none'),
  });
  await dying.dies();
  await waitFor(() => ids.length > 100, LONG);
  await first.kill();
  expect(ids.length).toBeLessThan(3_000);
  await using _next = await startRouterProcess(own.url);
  const ownStore = createSessionStore(ownBus);
  for (const client of clients) {
    const free = async (): Promise<boolean> => {
      const found = (await ownStore.read(client))?.record;
      return found !== undefined && found.door === undefined && found.due === undefined;
    };
    await waitFor(free, { ...LONG, message: `${client} (partition ${partitionOf(client)}) to be free` });
  }
  await follower.caughtUp();
  expect([...ids].sort()).toEqual(clients.map((client) => `will/${client}/1`).sort());
  await ownBus.close();
}, 300_000);
