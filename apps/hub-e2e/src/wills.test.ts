import { waitFor } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Subscriber } from './clients/client.ts';
import { httpPublisher } from './clients/http.ts';
import { mqttJsSubscriber } from './clients/mqtt-js.ts';
import { connectRaw, type RawSession } from './clients/raw-mqtt.ts';

const hub = inject('hub');
const { host } = hub;
const ROOT = `wills/${process.pid}`;
const atOtherDoor = mqttJsSubscriber('watcher', () => `mqtt://${host}:${hub.mqtt2}`);

let watcher: Subscriber;
beforeAll(async () => {
  watcher = await atOtherDoor.subscribe(hub, `${ROOT}/#`, 2);
});
afterAll(() => watcher[Symbol.asyncDispose]());

let runs = 0;
function fresh() {
  const id = `will-${process.pid}-${++runs}`;
  return { id, topic: `${ROOT}/${id}` };
}

/** What was published as this client's will, as payload and QoS. */
const wills = (topic: string): string[] =>
  watcher.received
    .filter((message) => message.topic === topic)
    .map(
      ({ payload, qos, retain }) => `${Buffer.from(payload).toString()} ${qos}${retain ? ' retained' : ''}`,
    );

/** Resolves when everything published before has reached the watcher. */
async function settled(): Promise<void> {
  const topic = `${ROOT}/settled/${++runs}`;
  await httpPublisher().publish(hub, [{ topic, payload: Buffer.from('end'), qos: 1 }]);
  await waitFor(() => wills(topic).length === 1);
}

const ENDINGS: readonly [string, number, (client: RawSession, id: string) => unknown][] = [
  ['the socket closes', 0, (client) => client.drop()],
  ['the client closes its side and says nothing', 0, (client) => client.socket.end()],
  ['nothing is heard for one and a half times the keep alive [MQTT3-3.1.2-24]', 1, (client) => client.closed],
  [
    'the protocol is broken [MQTT3-3.1.0-2]',
    0,
    (client, clientId) =>
      client.send({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clientId,
        clean: true,
        keepalive: 0,
      }),
  ],
  ['a packet is malformed [MQTT3-4.8.0-1]', 0, (client) => client.socket.write(Buffer.from('f000', 'hex'))],
  [
    'another connection takes the client id over [MQTT3-3.1.4-2]',
    0,
    async (_client, id) => {
      const next = await connectRaw(host, hub.mqtt2, id, { clean: true });
      next.send({ cmd: 'disconnect' });
      await next.closed;
    },
  ],
];

describe('the will is published when', () => {
  it.each(ENDINGS)('%s [MQTT3-3.1.2-8]', async (_when, keepalive, end) => {
    const { id, topic } = fresh();
    const will = { topic, payload: Buffer.from('gone'), qos: 1, retain: false } as const;
    await using client = await connectRaw(host, hub.mqtt, id, { clean: true, keepalive, will });
    await end(client, id);
    await client.closed;
    await waitFor(() => wills(topic).length > 0, { timeoutMs: 45_000 });
    await settled();
    expect(wills(topic)).toEqual(['gone 1']);
  });

  it.each([0, 1, 2] as const)('with its QoS: %i; clean session 0 is no difference', async (qos) => {
    const { id, topic } = fresh();
    const will = { topic, payload: Buffer.from('gone'), qos, retain: false };
    await using client = await connectRaw(host, hub.mqtt, id, { clean: false, will });
    await client.drop();
    await waitFor(() => wills(topic).length > 0, { timeoutMs: 45_000 });
    expect(wills(topic)).toEqual([`gone ${qos}`]);
  });
});

describe('the will is not published', () => {
  it.each([true, false])(
    'after DISCONNECT, clean session %s [MQTT3-3.1.2-10] [MQTT3-3.14.4-3]',
    async (clean) => {
      const { id, topic } = fresh();
      const will = { topic, payload: Buffer.from('gone'), qos: 1, retain: false } as const;
      await using client = await connectRaw(host, hub.mqtt, id, { clean, will });
      client.send({ cmd: 'disconnect' });
      await client.closed;
      // Nor by whoever has the client id next.
      await using next = await connectRaw(host, hub.mqtt2, id, { clean });
      await next.drop();
      await settled();
      expect(wills(topic)).toEqual([]);
    },
  );

  it('a second time, when the next connection of the client has none', async () => {
    const { id, topic } = fresh();
    const will = { topic, payload: Buffer.from('gone'), qos: 1, retain: false } as const;
    await using first = await connectRaw(host, hub.mqtt, id, { will });
    await first.drop();
    await waitFor(() => wills(topic).length === 1, { timeoutMs: 45_000 });
    await using second = await connectRaw(host, hub.mqtt2, id);
    await second.drop();
    await settled();
    expect(wills(topic)).toEqual(['gone 1']);
  });
});

it('a will is retained if it asks for it, and only then [MQTT3-3.1.2-16] [MQTT3-3.1.2-17]', async () => {
  const { id, topic } = fresh();
  for (const [name, retain] of [
    ['kept', true],
    ['news', false],
  ] as const) {
    const will = { topic: `${topic}/${name}`, payload: Buffer.from(name), qos: 1, retain } as const;
    await using client = await connectRaw(host, hub.mqtt, `${id}-${name}`, { will });
    await client.drop();
    await waitFor(() => wills(will.topic).length === 1, { timeoutMs: 45_000 });
  }
  const kept = async (name: string): Promise<number> =>
    (await fetch(`http://${host}:${hub.http}/retainedMessage/${topic}/${name}`)).status;
  await waitFor(async () => (await kept('kept')) === 200);
  expect(await kept('news')).toBe(404);
  await using late = await atOtherDoor.subscribe(hub, `${topic}/+`, 1);
  await waitFor(() => late.received.length > 0);
  expect(late.received.map((message) => [message.topic, message.retain])).toEqual([[`${topic}/kept`, true]]);
});
