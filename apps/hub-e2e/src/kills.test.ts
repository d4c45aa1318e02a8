import { tempDir, waitFor, type TempDir } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Received, Subscriber, TestQoS } from './clients/client.ts';
import { httpPublisher } from './clients/http.ts';
import { connectMqtt, mqttJsPublisher, mqttJsSession, mqttJsSubscriber } from './clients/mqtt-js.ts';
import { connectRaw, subscribeRaw, type RawMqtt } from './clients/raw-mqtt.ts';
import { openTrivium, triviumSubscriber } from './clients/trivium-ws.ts';
import { isReady, startHub, TWO_DOORS, type TestHub } from './hub.ts';

let data: TempDir;
let hub: TestHub;
beforeAll(async () => {
  data = await tempDir();
  hub = await startHub({ args: TWO_DOORS, dataDir: data.path });
});

/** Whatever the test before has killed. */
beforeEach(everythingReady, 60_000);
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await data.remove();
});

const HOST = '127.0.0.1';
const url = (port: number): string => `mqtt://${HOST}:${port}`;
const atSecondDoor = mqttJsPublisher('publisher', ({ mqtt2 }) => url(mqtt2));
const watcherAtSecondDoor = mqttJsSubscriber('watcher', ({ mqtt2 }) => url(mqtt2));
const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);
const texts = (received: readonly Received[]): string[] =>
  received.map(({ payload }) => Buffer.from(payload).toString());

function publish(topic: string, payloads: readonly string[], qos: TestQoS): Promise<void> {
  return atSecondDoor.publish(
    hub.addresses,
    payloads.map((payload) => ({ topic, payload: Buffer.from(payload), qos })),
  );
}

/** Every process that is killed comes back by itself, except where everything was. */
async function everythingReady(): Promise<void> {
  const { admin } = hub.addresses;
  for (const port of [admin.mqtt, admin.mqtt2, admin.ws, admin.http, admin.router])
    await waitFor(() => isReady(port), { timeoutMs: 30_000, message: `port ${port} to be ready` });
}

async function goneAndBack(service: string, kill: () => void): Promise<void> {
  const before = hub.pidOf(service);
  kill();
  await waitFor(() => hub.pidOf(service) !== undefined && hub.pidOf(service) !== before, {
    timeoutMs: 20_000,
    message: `${service} to be started again`,
  });
  await everythingReady();
}

const WILL_MS = 15_000;

describe('kill -9 of a door', () => {
  const sent = new Map<TestQoS, number | undefined>();
  let watcher: Subscriber;
  let killedAt = 0;
  beforeAll(async () => {
    const { mqtt } = hub.addresses;
    watcher = await watcherAtSecondDoor.subscribe(hub.addresses, 'wills/#', 2);
    const clients: RawMqtt[] = [];
    for (const qos of [1, 2] as const) {
      const client = await connectRaw(HOST, mqtt, `door-${qos}`);
      await subscribeRaw(client, `door-${qos}/#`, qos);
      await publish(`door-${qos}/a`, ['unacknowledged'], qos);
      sent.set(qos, (await client.next('publish')).messageId);
      clients.push(client);
    }
    for (const qos of [0, 1, 2] as const) {
      const will = { topic: `wills/${qos}`, payload: Buffer.from('gone'), qos, retain: true };
      clients.push(await connectRaw(HOST, mqtt, `will-${qos}`, { clean: qos !== 1, will }));
    }
    const polite = await connectRaw(HOST, mqtt, 'polite', {
      will: { topic: 'wills/polite', payload: Buffer.from('gone'), qos: 1, retain: true },
    });
    polite.send({ cmd: 'disconnect' });
    await polite.closed;
    killedAt = performance.now();
    hub.kill('mqtt-ingress');
    await Promise.all(clients.map((client) => client.closed));
  });
  afterAll(() => watcher[Symbol.asyncDispose]());

  it.each([1, 2] as const)(
    'QoS %i: its clients’ sessions go on at the other one at once, with what they had and what came meanwhile',
    async (qos) => {
      const id = `door-${qos}`;
      await publish(`${id}/a`, ['meanwhile'], qos);
      await using second = await connectRaw(HOST, hub.addresses.mqtt2, id);
      expect(second.connack).toMatchObject({ returnCode: 0, sessionPresent: true });
      const again = await second.next('publish');
      expect([again.payload.toString(), again.qos]).toEqual(['unacknowledged', qos]);
      // QoS 2 is written before it is sent. At QoS 1 the crash may have been before its packet id was written.
      if (qos === 2) expect([again.dup, again.messageId]).toEqual([true, sent.get(qos)]);
      second.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: again.messageId! });
      expect((await second.next('publish')).payload.toString()).toBe('meanwhile');
    },
  );

  it('its clients’ wills are published exactly once within 15 s, whatever their QoS, and retained', async () => {
    await waitFor(() => watcher.received.length >= 3, {
      timeoutMs: Math.max(1, killedAt + WILL_MS - performance.now()),
      message: 'three wills',
    });
    // Whoever takes the ids over has no will to publish any more.
    for (const qos of [0, 1, 2]) {
      await using next = await connectRaw(HOST, hub.addresses.mqtt2, `will-${qos}`, { clean: true });
      await next.drop();
    }
    await publish('wills/end', ['end'], 2);
    await waitFor(() => texts(watcher.received).includes('end'));
    const wills = watcher.received.map(({ topic, qos }) => `${topic} ${qos}`);
    expect(wills.slice(0, -1).sort()).toEqual(['wills/0 0', 'wills/1 1', 'wills/2 2']);
    expect(await keptAt(hub, 'wills/+')).toEqual(['wills/0 gone', 'wills/1 gone', 'wills/2 gone']);
  });

  it('and of the router with it: the next router publishes the wills, once', async () => {
    const { mqtt } = hub.addresses;
    await using both = await watcherAtSecondDoor.subscribe(hub.addresses, 'both/#', 2);
    await using client = await connectRaw(HOST, mqtt, 'both', {
      will: { topic: 'both/will', payload: Buffer.from('gone'), qos: 1, retain: false },
    });
    hub.kill('router');
    hub.kill('mqtt-ingress');
    await client.closed;
    await waitFor(() => both.received.length > 0, { timeoutMs: 30_000, message: 'the will' });
    await everythingReady();
    await using next = await connectRaw(HOST, mqtt, 'both');
    await next.drop();
    await publish('both/end', ['end'], 2);
    await waitFor(() => texts(both.received).includes('end'));
    expect(texts(both.received)).toEqual(['gone', 'end']);
  });
});

it('kill -9 of a door: what its members of a shared subscription had not acknowledged goes to the members elsewhere', async () => {
  const { mqtt, mqtt2 } = hub.addresses;
  await using doomed = await connectRaw(HOST, mqtt, 'share-doomed', { clean: true });
  await subscribeRaw(doomed, '$share/crew/share/+', 1);
  await publish('share/a', numbers(0, 20), 1);
  for (let i = 0; i < 20; i++) {
    const { messageId } = await doomed.next('publish');
    if (i < 5) doomed.send({ cmd: 'puback', messageId: messageId! });
  }
  const heir = await connectMqtt(url(mqtt2), { clientId: 'share-heir' });
  const seen: string[] = [];
  heir.on('message', (_topic, payload) => void seen.push(payload.toString()));
  await heir.subscribeAsync('$share/crew/share/+', { qos: 1 });
  await publish('share/ping', ['ping'], 1);
  await waitFor(() => seen.includes('ping') || doomed.packets.length > 22);
  hub.kill('mqtt-ingress');
  await doomed.closed;
  await publish('share/a', numbers(20, 40), 1);
  const expected = numbers(5, 40);
  await waitFor(() => expected.every((one) => seen.includes(one)), {
    timeoutMs: 40_000,
    message: () => `${expected.filter((one) => !seen.includes(one)).join(' ')} to arrive`,
  });
  await heir.endAsync();
});

it('kill -9 of NATS: a shared subscription loses nothing', async () => {
  const { mqtt, mqtt2 } = hub.addresses;
  const seen = new Set<string>();
  const crew = await Promise.all(
    [mqtt, mqtt2].map(async (port, i) => {
      const client = await connectMqtt(url(port), { clientId: `crew-${i}` });
      client.on('message', (_topic, payload) => void seen.add(payload.toString()));
      await client.subscribeAsync('$share/crew/nats-share/#', { qos: 1 });
      return client;
    }),
  );
  await publish('nats-share/a', numbers(0, 50), 1);
  await goneAndBack('nats-server', () => hub.kill('nats-server'));
  await publish('nats-share/a', numbers(50, 100), 1);
  await waitFor(() => seen.size === 100, { timeoutMs: 40_000, message: () => `100, there are ${seen.size}` });
  for (const client of crew) await client.endAsync();
});

/** What a new subscription at the second door brings of what is retained, as topic and payload. */
async function keptAt({ addresses }: TestHub, filter: string): Promise<string[]> {
  await using subscriber = await watcherAtSecondDoor.subscribe(addresses, filter, 1);
  const end = filter.replace(/[+#]$/, 'kept-end');
  await httpPublisher().publish(addresses, [{ topic: end, payload: Buffer.from('end'), qos: 1 }]);
  await waitFor(() => subscriber.received.some(({ topic }) => topic === end), { timeoutMs: 15_000 });
  return subscriber.received
    .filter(({ retain }) => retain)
    .map(({ topic, payload }) => `${topic} ${Buffer.from(payload).toString()}`)
    .sort();
}

describe('what was acknowledged as retained is there', () => {
  it('when the door is killed in the moment of its acknowledgement, whatever door, and NATS with it', async () => {
    const { mqtt, ws, http } = hub.addresses;
    const payload = 'kept';
    await using one = await connectRaw(HOST, mqtt, 'acknowledged-1', { clean: true });
    one.send({ cmd: 'publish', topic: 'ack/mqtt1', payload, qos: 1, retain: true, dup: false, messageId: 1 });
    await one.next('puback');
    one.send({ cmd: 'publish', topic: 'ack/mqtt2', payload, qos: 2, retain: true, dup: false, messageId: 2 });
    await one.next('pubrec');
    one.send({ cmd: 'pubrel', messageId: 2 });
    await one.next('pubcomp');
    hub.kill('mqtt-ingress');
    const socket = await openTrivium(`ws://${HOST}:${ws}/`);
    for (const qos of [0, 1])
      expect(
        await socket.ask({ op: 'pub', topic: `ack/ws${qos}`, payload, qos, retain: true }),
      ).toMatchObject({
        op: 'ok',
      });
    hub.kill('ws-ingress');
    for (const qos of [0, 1]) {
      const target = `http://${HOST}:${http}/topics/ack/http${qos}?retain=true&qos=${qos}`;
      expect((await fetch(target, { method: 'POST', body: payload })).status).toBe(200);
    }
    await goneAndBack('nats-server', () => {
      hub.kill('http-ingress');
      hub.kill('nats-server');
    });
    expect(await keptAt(hub, 'ack/+')).toEqual(
      ['http0', 'http1', 'mqtt1', 'mqtt2', 'ws0', 'ws1'].map((name) => `ack/${name} kept`),
    );
  });
});

it('kill -9 of NATS: sessions, what they queue and who is connected go on', async () => {
  const { mqtt, mqtt2 } = hub.addresses;
  const client = mqttJsSession();
  await using reader = await triviumSubscriber().subscribe(hub.addresses, 'nats/1', 1);
  const cases = await Promise.all(
    ([1, 2] as const).map(async (qos) => {
      const session = { host: HOST, id: `nats-${qos}`, filter: `nats/${qos}`, qos };
      const away = await client.open({ ...session, port: mqtt });
      await away.leave();
      const there = await connectRaw(HOST, mqtt2, `nats-${qos}-there`);
      await subscribeRaw(there, session.filter, qos);
      await publish(session.filter, numbers(0, 20), qos);
      return { session, there, qos };
    }),
  );
  await goneAndBack('nats-server', () => hub.kill('nats-server'));
  for (const { session, there, qos } of cases) {
    await publish(session.filter, numbers(20, 40), qos);
    const back = await client.open({ ...session, port: mqtt2 });
    await waitFor(() => back.received.length >= 40, { timeoutMs: 15_000 });
    expect([back.present, texts(back.received)]).toEqual([true, numbers(0, 40)]);
    await back.leave();
    // A connection outlives NATS: it goes on, and at QoS 2 nothing is sent twice.
    const seen = new Set<string>();
    while (seen.size < 40) {
      const { payload, messageId, dup } = await there.next('publish');
      if (qos === 2) expect([dup, seen.has(payload.toString())]).toEqual([false, false]);
      seen.add(payload.toString());
      there.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: messageId! });
    }
    expect([...seen]).toEqual(numbers(0, 40));
    await there.drop();
  }
  await waitFor(() => new Set(texts(reader.received)).size === 40, { timeoutMs: 15_000 });
});

it('kill -9 of everything at once: sessions, queues, retained messages and wills are there at the next start', async () => {
  const before = hub.addresses;
  const qos2 = { id: 'everything-2', filter: 'everything/#', qos: 2 } as const;
  const qos1 = { id: 'everything-1', filter: 'everything/+', qos: 1 } as const;
  const client = mqttJsSession();
  for (const session of [qos1, qos2]) {
    const open = await client.open({ ...session, host: HOST, port: before.mqtt });
    await open.leave();
  }
  await using mortal = await connectRaw(HOST, before.mqtt, 'mortal', {
    will: { topic: 'everything/will', payload: Buffer.from('gone'), qos: 2, retain: true },
  });
  const unfinished = {
    topic: 'everything/q2',
    payload: 'once',
    qos: 2,
    retain: false,
    messageId: 9,
  } as const;
  mortal.send({ cmd: 'publish', dup: false, ...unfinished });
  await mortal.next('pubrec');
  await publish('everything/a', numbers(0, 20), 1);
  await publish('everything/a', numbers(20, 40), 2);
  const device = await connectMqtt(url(before.mqtt2));
  device.on('error', () => undefined);
  await device.publishAsync('everything/kept', 'kept', { qos: 1, retain: true });
  await hub.killEverything();
  device.end(true);

  hub = await startHub({ args: TWO_DOORS, dataDir: data.path });
  const { mqtt, mqtt2 } = hub.addresses;
  await using resumed = await connectRaw(HOST, mqtt2, 'mortal');
  resumed.send({ cmd: 'publish', dup: true, ...unfinished });
  await resumed.next('pubrec');
  resumed.send({ cmd: 'pubrel', messageId: 9 });
  await resumed.next('pubcomp');
  resumed.send({ cmd: 'disconnect' });
  const expected = ['once', ...numbers(0, 40), 'kept', 'gone'].sort();
  for (const session of [qos1, qos2]) {
    const back = await client.open({ ...session, host: HOST, port: mqtt });
    expect(back.present).toBe(true);
    await waitFor(() => texts(back.received).includes('gone'), { timeoutMs: 30_000, message: 'the will' });
    await publish('everything/end', ['end'], 2);
    await waitFor(() => texts(back.received).includes('end'), { timeoutMs: 15_000 });
    const came = back.received.filter(({ topic }) => topic !== 'everything/end');
    expect(texts(came).sort()).toEqual(expected);
    // In order for each topic and QoS [MQTT3-4.6.0-6].
    const ordered = came.filter(({ topic }) => topic === 'everything/a');
    for (const qos of [1, 2]) {
      const values = texts(ordered.filter((message) => message.qos === qos)).map(Number);
      expect(values).toEqual(values.toSorted((x, y) => x - y));
    }
    await back.leave();
  }
  expect(await keptAt(hub, 'everything/+')).toEqual(['everything/kept kept', 'everything/will gone']);
});
