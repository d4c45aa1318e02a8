import { connectBus, type Bus, type Logger } from '@trivium/bus';
import { ClientFilters, decodeJson, filtersSubject, parseShare, type TopicFilter } from '@trivium/contracts';
import { startNats, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDelivery, type Delivery, type Receiver } from './index.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
let nats: NatsServer;
let other: Bus;
let bus: Bus;
let delivery: Delivery;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'door' }, logger: quiet });
  other = await connectBus({ config: { url: nats.url, name: 'who asks' }, logger: quiet });
  delivery = createDelivery({ bus, logger: quiet });
});
afterAll(async () => {
  delivery.close();
  await Promise.all([bus.close(), other.close()]);
  await nats.stop();
});

const receiver = (id: string): Receiver => ({
  ...{ id, onLive: () => undefined, onDurable: () => true, onShared: () => true },
});

async function filtersOf(client: string): Promise<ClientFilters> {
  const answer = await other.request(filtersSubject(bus.incarnation, client), new Uint8Array(0), {
    timeoutMs: 10_000,
  });
  const filters = decodeJson(ClientFilters, answer.data);
  if (!filters.ok) throw new Error(filters.error.message);
  return filters.value;
}

it('tells what a client gets here, by everything that it has attached, and nothing of others', async () => {
  const attachments = ['a.b', 'a.b', 'c'].map((id) => delivery.attach(receiver(id)));
  const [one, two, foreign] = attachments;
  const shared = '$share/g/s/#' as TopicFilter;
  const share = parseShare(shared);
  if (!share.ok || share.value === undefined) throw new Error('no share');
  await one!.subscribe([{ filter: 'x/#' as TopicFilter, qos: 0 }]);
  await two!.subscribe([{ filter: shared, qos: 1, share: share.value }]);
  await foreign!.subscribe([{ filter: 'y' as TopicFilter, qos: 1 }]);
  expect(await filtersOf('a.b')).toEqual({
    ...{ v: 1, attached: true },
    subscriptions: [
      { filter: 'x/#', qos: 0, from: 0 },
      { filter: shared, qos: 1, from: 0 },
    ],
  });
  expect(await filtersOf('nobody')).toEqual({ v: 1, attached: false, subscriptions: [] });
  for (const attachment of attachments) attachment.detach();
  expect((await filtersOf('a.b')).attached).toBe(false);
});
