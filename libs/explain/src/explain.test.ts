import { connectBus, type Bus, type Logger } from '@trivium/bus';
import {
  DoorLease,
  doorLeaseKey,
  encodeJson,
  messageSubject,
  sessionKey,
  SessionRecord,
  topicToTokens,
  type Topic,
  type TopicFilter,
} from '@trivium/contracts';
import { createDelivery, type Delivery, type Receiver } from '@trivium/delivery';
import { createApiKey, storePolicy } from '@trivium/identity';
import { storeContract } from '@trivium/message-contracts';
import { startNats, type NatsServer } from '@trivium/testing';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { explain, Explanation } from './index.ts';

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const author = { principal: 'test', service: 'test' };
const TOPIC = 'plant/line1/speed' as Topic;

let nats: NatsServer;
let bus: Bus;
let door: Bus;
let delivery: Delivery;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ config: { url: nats.url, name: 'who asks' }, logger: quiet });
  door = await connectBus({ config: { url: nats.url, name: 'door' }, logger: quiet });
  delivery = createDelivery({ bus: door, logger: quiet });
  const { incarnation } = door;
  const lease: DoorLease = { v: 1, incarnation, service: 'ws-ingress', host: 'edge', startedAt: 1 };
  await bus.bucket('leases').put(doorLeaseKey(incarnation), encodeJson(DoorLease, lease));
});
afterAll(async () => {
  delivery.close();
  await Promise.all([bus.close(), door.close()]);
  await nats.stop();
});

async function explained(client: string): Promise<Explanation> {
  const explanation = await explain({ bus }, { client, topic: TOPIC });
  expect(Value.Errors(Explanation, explanation)).toEqual([]);
  return explanation;
}

async function publish(topic: Topic): Promise<number> {
  const subject = messageSubject(1, 'pub', topicToTokens(topic));
  return (await bus.publisher.store(subject, Buffer.from('1'))).pos;
}

test('of somebody of whom nothing is known, that is said', async () => {
  expect(await explained('nobody')).toMatchObject({
    ...{ delivered: 'no', principal: { name: 'nobody', from: 'client-id', groups: ['devices'] } },
    ...{ verdict: 'is not delivered: nobody was ever connected by this id, and there is no session' },
    ...{ connection: { connected: false }, subscriptions: [], log: { first: 1, last: 0 } },
  });
});

test('a door is asked what a client without a session is subscribed to', async () => {
  const receiver: Receiver = { id: 'browser', onLive: () => undefined, onDurable: () => true };
  const attachment = delivery.attach(receiver);
  await attachment.subscribe([{ filter: 'plant/+/speed' as TopicFilter, qos: 1 }]);
  expect(await explained('browser')).toMatchObject({
    verdict: 'is delivered: by «plant/+/speed», at QoS 1, at ws-ingress on edge',
    connection: { connected: true, door: door.incarnation, service: 'ws-ingress' },
    subscriptions: [{ filter: 'plant/+/speed', qos: 1, ruling: 'granted' }],
  });
  attachment.detach();
  expect((await explained('browser')).delivered).toBe('no');
});

test('who is away has what came after its cursor, by policy, key, contract and what is retained', async () => {
  const first = await publish(TOPIC);
  const record: SessionRecord = {
    ...{ v: 1, epoch: 1, connectedAt: 1, principal: 'app', clean: false, pos: first, open: [] },
    ...{ subscriptions: [{ filter: 'plant/#', qos: 1, from: first }], exactlyOnce: false },
  };
  await bus.bucket('sessions').put(sessionKey('app-1'), encodeJson(SessionRecord, record));
  await createApiKey(bus, { name: 'app', groups: ['dashboards'] }, author);
  await storePolicy(
    bus,
    {
      ...{ v: 1, name: 'dashboards', groups: ['dashboards'] },
      statements: [
        { effect: 'allow', actions: ['connect'], clients: ['${principal}-*'] },
        { effect: 'allow', actions: ['subscribe', 'receive'], topics: ['plant/#'] },
      ],
    },
    author,
  );
  await storeContract(bus.bucket('contracts'), { v: 1, name: 'speed', filter: TOPIC, onViolation: 'tag' });
  const pos = await publish(TOPIC);
  await bus.retain({ tokens: topicToTokens(TOPIC), pos, qos: 1, payload: Buffer.from('12') });

  expect(await explained('app-1')).toMatchObject({
    verdict:
      'is delivered when it is back: by «plant/#», at QoS 1; 1 message of the log came after its cursor',
    principal: { name: 'app', from: 'session', groups: ['dashboards'], policies: ['dashboards'] },
    decisions: { publish: { allowed: false, why: 'no policy allows publish' } },
    session: { persistent: true, cursor: first, behind: 1, missed: 0 },
    retained: { qos: 1, bytes: 2 },
    contract: { name: 'speed', onViolation: 'tag' },
    warnings: [],
  });

  await bus.erase('MESSAGES', first);
  expect((await explained('app-1')).log).toEqual({ first: pos, last: pos });
  await bus.erase('MESSAGES', pos);
  expect(await explained('app-1')).toMatchObject({
    verdict: expect.stringContaining('the oldest 1 of them are not kept any more'),
  });

  const ended = encodeJson(SessionRecord, { ...record, endsAt: 1 });
  await bus.bucket('sessions').put(sessionKey('app-1'), ended);
  expect(await explained('app-1')).toMatchObject({ delivered: 'no', principal: { from: 'client-id' } });
});
