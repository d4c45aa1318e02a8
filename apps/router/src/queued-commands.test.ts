import { createCommandDesk, createCommandStore, type CommandStore } from '@trivium/commands';
import { connectBus, type Bus } from '@trivium/bus';
import { queuedCommandSubject } from '@trivium/contracts';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRouter, type Router } from './router.ts';
import { routerConfig } from './testing/router-config.ts';
import { silent } from './testing/session-door.ts';

const LONG = { timeoutMs: 90_000 };
const bytes = (data: string): Uint8Array => new TextEncoder().encode(data);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

let nats: NatsServer;
let bus: Bus;
let store: CommandStore;
let device: string;
let run = 0;
const cleanups: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  nats = await startNats();
  bus = await connect();
  store = createCommandStore(bus);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});
beforeEach(() => {
  device = `device.${++run}`;
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

async function queue(name: string, id: string, ms = 600_000): Promise<void> {
  await store.queue(device, { id, name, payload: bytes('in') }, Date.now() + ms);
}

/** The device is there, and answers what `answers` says. */
async function arrives(answers: (name: string) => string | undefined): Promise<string[]> {
  const own = await connect();
  const desk = createCommandDesk(own);
  const got: string[] = [];
  desk.attach(device, {
    onCommand({ id, name, payload }) {
      got.push(name);
      const answer = answers(name);
      if (answer !== undefined)
        queueMicrotask(() => desk.reply(device, id, { payload: bytes(`${answer} ${text(payload)}`) }));
      return undefined;
    },
  });
  cleanups.push(async () => {
    desk.close();
    await own.close();
  });
  return got;
}

const state = async (id: string) => (await store.read(id))?.record.state;

test('commands wait for their device, and are sent in order when it is there; their answers can be read', async () => {
  const router = await startRouter();
  for (const n of [1, 2, 3]) await queue(`n${n}`, `a-${n}`);
  await waitFor(() => router.queuedCommands.stats.waiting === 3, LONG);
  expect(await state('a-1')).toBe('queued');
  const got = await arrives((name) => `done ${name}`);
  await waitFor(async () => (await state('a-3')) === 'answered', LONG);
  expect(got).toEqual(['n1', 'n2', 'n3']);
  const { record } = (await store.read('a-2'))!;
  expect(Buffer.from(record.reply!.payload, 'base64').toString()).toBe('done n2 in');
  await waitFor(async () => (await bus.count('COMMANDS', queuedCommandSubject(device))) === 0);
});

test('one that was taken back, or has expired, is not sent', async () => {
  await startRouter();
  await queue('back', 'b-1');
  await queue('late', 'b-2', 1);
  await queue('good', 'b-3');
  const stored = (await store.read('b-1'))!;
  await store.write({ ...stored.record, state: 'cancelled' }, stored.revision);
  const got = await arrives(() => 'done');
  await waitFor(async () => (await state('b-3')) === 'answered', LONG);
  expect([got, await state('b-1'), await state('b-2')]).toEqual([['good'], 'cancelled', 'expired']);
});

test('a router that comes later, or instead of another, sends what it finds', async () => {
  await queue('found', 'c-1');
  const stored = (await store.read('c-1'))!;
  // The router before had it on its way, and died.
  await store.write({ ...stored.record, state: 'sent' }, stored.revision);
  const got = await arrives(() => 'done');
  await startRouter();
  await waitFor(async () => (await state('c-1')) === 'answered', LONG);
  expect(got).toEqual(['found']);
});
