import { expect, inject, it } from 'vitest';
import { pahoMqtt5, type PahoMqtt5 } from './clients/paho-mqtt5.ts';

const hub = inject('hub');
const here = { host: hub.host, port: hub.mqtt };
const there = { host: hub.host, port: hub.mqtt + 10 };

let run = 0;
const unique = (name: string): string => `${name}-${process.pid}-${++run}`;

async function connected(
  address: { host: string; port: number },
  fields: Readonly<Record<string, unknown>> = {},
  id = unique('paho'),
): Promise<PahoMqtt5 & { connack: Readonly<Record<string, unknown>> }> {
  const client = await pahoMqtt5(address, id);
  client.do('connect', fields);
  return Object.assign(client, { connack: await client.take('connected') });
}

it('[MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20] [MQTT-3.3.2-6] properties of a message arrive at paho as paho has sent them, at another door', async () => {
  const topic = unique('five');
  await using sub = await connected(there);
  sub.do('subscribe', { filter: topic, qos: 2 });
  expect((await sub.take('subscribed'))['codes']).toEqual([2]);
  await using pub = await connected(here);
  const properties = {
    ContentType: 'a/b',
    CorrelationData: '00ff',
    MessageExpiryInterval: 600,
    PayloadFormatIndicator: 1,
    ResponseTopic: 'r/s',
    UserProperty: [
      ['b', '2'],
      ['a', '1'],
      ['b', '1'],
    ],
  };
  for (const qos of [0, 1, 2]) {
    pub.do('publish', { topic, payload: 'ü', qos, properties });
    const message = await sub.take('message');
    const { MessageExpiryInterval: left, ...rest } = message.properties;
    const { MessageExpiryInterval: sent, ...others } = properties;
    expect(message).toMatchObject({ topic, payload: 'ü', qos, retain: false });
    expect(rest).toEqual(others);
    expect(left).toBeGreaterThan(sent - 60);
    expect(left).toBeLessThanOrEqual(sent);
  }
});

it('[MQTT-3.8.3-3] [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT-3.3.1-13] [MQTT-3.3.4-3] subscription options and identifiers, as paho asks for them', async () => {
  const topic = unique('options');
  await using own = await connected(here);
  own.do('publish', { topic: `${topic}/kept`, payload: 'kept', qos: 1, retain: true });
  await own.take('published');
  const ask = async (fields: Readonly<Record<string, unknown>>) => {
    own.do('subscribe', { qos: 1, ...fields });
    return (await own.take('subscribed'))['codes'];
  };
  const identified = { properties: { SubscriptionIdentifier: 7 } };
  expect(await ask({ filter: `${topic}/#`, retainHandling: 2, ...identified })).toEqual([1]);
  expect(await ask({ filter: `${topic}/#`, retainHandling: 1, ...identified })).toEqual([1]);
  expect(await ask({ filter: `${topic}/own`, noLocal: true })).toEqual([1]);
  expect(await ask({ filter: `${topic}/flag`, retainAsPublished: true })).toEqual([1]);
  await using other = await connected(there);
  other.do('publish', { topic: `${topic}/flag`, payload: 'flagged', qos: 1, retain: true });
  expect(await own.take('message')).toMatchObject({
    ...{ payload: 'flagged', retain: true },
    properties: { SubscriptionIdentifier: [7] },
  });
  own.do('unsubscribe', { filter: `${topic}/#` });
  expect((await own.take('unsubscribed'))['codes']).toEqual([0]);
  own.do('publish', { topic: `${topic}/own`, payload: 'own', qos: 1 });
  await own.take('published');
  other.do('publish', { topic: `${topic}/own`, payload: 'foreign', qos: 1 });
  expect(await own.take('message')).toMatchObject({ payload: 'foreign', retain: false, properties: {} });
  expect(await ask({ filter: `${topic}/kept`, retainHandling: 1 })).toEqual([1]);
  expect(await own.take('message')).toMatchObject({ payload: 'kept', retain: true });
  expect(own.left('message')).toEqual([]);
});

it('[MQTT-3.1.2-5] [MQTT-3.1.2-23] [MQTT-3.2.2-3] [MQTT-3.1.4-3] a session with an expiry goes on at the other door, and is taken over with 0x8E', async () => {
  const [id, topic] = [unique('stays'), unique('session')];
  const fields = { clean: false, properties: { SessionExpiryInterval: 600 } };
  await using first = await connected(here, fields, id);
  expect(first.connack).toMatchObject({ reason: 0, present: false });
  first.do('subscribe', { filter: topic, qos: 2 });
  await first.take('subscribed');
  first.do('disconnect');
  await first.take('disconnected');
  await using pub = await connected(here);
  for (const qos of [1, 2]) {
    pub.do('publish', { topic, payload: `missed ${qos}`, qos });
    await pub.take('published');
  }
  await using second = await connected(there, fields, id);
  expect(second.connack).toMatchObject({ reason: 0, present: true });
  const came = [await second.take('message'), await second.take('message')];
  expect(came.map((one) => one['payload']).sort()).toEqual(['missed 1', 'missed 2']);
  await using third = await connected(here, fields, id);
  expect(await second.take('disconnected')).toMatchObject({ reason: 0x8e });
  expect(third.connack).toMatchObject({ present: true });
});

it('[MQTT-3.1.2-8] [MQTT-3.1.3-10] [MQTT-3.14.4-3] a will of paho, with its properties: when it is lost or asks for it, and not after DISCONNECT 0', async () => {
  const topic = unique('will');
  await using watcher = await connected(there);
  watcher.do('subscribe', { filter: topic, qos: 1 });
  await watcher.take('subscribed');
  const mortal = (payload: string) => {
    const properties = {
      ContentType: 'w/x',
      UserProperty: [
        ['b', '2'],
        ['a', '1'],
      ],
    };
    return connected(here, { will: { topic, payload, qos: 1, properties } });
  };
  await using quiet = await mortal('never');
  quiet.do('disconnect');
  await using asking = await mortal('asked for');
  asking.do('disconnect', { reason: 4 });
  expect(await watcher.take('message')).toMatchObject({
    payload: 'asked for',
    properties: {
      ContentType: 'w/x',
      UserProperty: [
        ['b', '2'],
        ['a', '1'],
      ],
    },
  });
  await using lost = await mortal('lost');
  lost.do('drop');
  expect(await watcher.take('message')).toMatchObject({ payload: 'lost' });
  expect(watcher.left('message')).toEqual([]);
});

it('[MQTT-3.2.2-16] [MQTT-3.3.2-12] [MQTT-3.2.2-17] what CONNACK tells paho holds: its id, the limits, topic aliases', async () => {
  const topic = unique('alias');
  await using sub = await connected(there);
  sub.do('subscribe', { filter: topic, qos: 1 });
  await sub.take('subscribed');
  await using pub = await connected(here, {}, '');
  const {
    AssignedClientIdentifier: id,
    TopicAliasMaximum: most,
    ReceiveMaximum: open,
  } = pub.connack['properties'] as Record<string, unknown>;
  expect(id).toEqual(expect.stringMatching(/./));
  expect(open).toBeGreaterThan(0);
  pub.do('publish', { topic, payload: 'told', qos: 1, properties: { TopicAlias: most } });
  expect(await sub.take('message')).toMatchObject({ topic, payload: 'told' });
  pub.do('publish', { topic, payload: 'too much', qos: 1, properties: { TopicAlias: Number(most) + 1 } });
  expect(await pub.take('disconnected')).toMatchObject({ reason: 0x94 });
});
