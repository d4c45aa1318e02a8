import { connectBus, type Bus } from '@trivium/bus';
import { decodeJson, parseShare, shareKey, ShareRecord, type Share } from '@trivium/contracts';
import { createShareRegistry, type ShareRegistry } from '@trivium/delivery';
import { createSessionStore } from '@trivium/sessions';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRouter, type Router } from './router.ts';
import { sessionRecord, silent, startSessionDoor } from './testing/session-door.ts';
import { routerConfig } from './testing/router-config.ts';

const LONG = { timeoutMs: 90_000 };
let nats: NatsServer;
let bus: Bus;
let router: Router;
let registry: ShareRegistry;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'test' }, logger: silent });
  registry = createShareRegistry(bus, silent);
  router = createRouter({ bus, config: routerConfig, logger: silent });
  await waitFor(() => router.actors.partitionsHeld > 0, LONG);
});
afterAll(async () => {
  await router.close();
  await bus.close();
  await nats.stop();
});

function share(raw: string): Share {
  const parsed = parseShare(raw);
  if (!parsed.ok || parsed.value === undefined) throw new Error(raw);
  return parsed.value;
}

async function members(of: Share): Promise<string[] | undefined> {
  const found = await bus.bucket('shares').get(shareKey(of));
  const read = found && decodeJson(ShareRecord, found.value);
  return read?.ok ? Object.keys(read.value.members).sort() : undefined;
}

test('members stay as long as their sessions have the subscription', async () => {
  const work = share('$share/workers/jobs/#');
  const subscriptions = [{ filter: '$share/workers/jobs/#', qos: 1 as const, from: 0 }];
  await using door = await startSessionDoor(nats.url);
  await door.connects('asleep', { subscriptions });
  await door.connects('clean', { clean: true, expirySeconds: 0, connection: 'clean-1' });
  await door.connects('elsewhere', { clean: true, expirySeconds: 0, connection: 'elsewhere-2' });
  await door.connects('unsubscribed');
  for (const [client, tie] of [
    ['asleep', ''],
    ['clean', 'clean-1'],
    ['elsewhere', 'elsewhere-1'],
    ['unsubscribed', ''],
    ['gone', ''],
  ] as const)
    await registry.enter(work, client, tie);
  await waitFor(async () => (await members(work))?.length === 2, LONG);
  expect(await members(work)).toEqual(['asleep', 'clean']);
});

test('[rule 3] the death of a door takes its clean sessions out; the consumer goes with the last member', async () => {
  const work = share('$share/pickers/jobs/#');
  const door = await startSessionDoor(nats.url);
  await door.connects('picker', { clean: true, expirySeconds: 0, connection: 'picker-1' });
  const consumer = await registry.enter(work, 'picker', 'picker-1');
  await door.dies();
  await waitFor(async () => (await members(work)) === undefined, LONG);
  await waitFor(async () => (await bus.shared.list(consumer!)).length === 0, LONG);
});

test('a session that expires leaves', async () => {
  const work = share('$share/sleepers/jobs/#');
  const store = createSessionStore(bus);
  await registry.enter(work, 'short', '');
  const record = sessionRecord({
    subscriptions: [{ filter: '$share/sleepers/jobs/#', qos: 1, from: 0 }],
    expirySeconds: 1,
  });
  await store.write('short', record, 0, 1);
  await waitFor(async () => (await members(work)) === undefined, LONG);
});
