import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, type ClientOptions } from 'ws';
import { connect, startDoor, type DoorUnderTest } from './door-under-test.ts';

let nats: NatsServer;
let one: DoorUnderTest;
let other: DoorUnderTest;
beforeAll(async () => {
  nats = await startNats();
  [one, other] = await Promise.all([startDoor(nats.url), startDoor(nats.url)]);
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await nats.stop();
});

const CONNECT = Buffer.from([0x10, 13, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 1, 0x77]);
const PINGREQ = Buffer.from([0xc0, 0]);
const CONNACK = [0x20, 2, 0, 0];
const PINGRESP = [0xd0, 0];

/** A PUBLISH with QoS 0 to topic `t`. */
function publishPacket(payload: Buffer): Buffer {
  const header = [0x30];
  for (let rest = 3 + payload.length; ; rest >>= 7) {
    header.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([...header, 0, 1, 0x74]), payload]);
}

interface RawClient {
  readonly ws: WebSocket;
  bytes(): number[];
  /** Whether every message received was binary. */
  binary(): boolean;
}

async function raw(
  door: Pick<DoorUnderTest, 'url'>,
  subprotocols: string | string[] = 'mqtt',
  path = '/',
  options: ClientOptions = {},
): Promise<RawClient> {
  const ws = new WebSocket(`${door.url}${path}`, subprotocols, options);
  const received: Buffer[] = [];
  let binary = true;
  ws.on('error', () => undefined);
  ws.on('message', (data: Buffer, isBinary) => {
    received.push(data);
    binary &&= isBinary;
  });
  await once(ws, 'open');
  return { ws, bytes: () => [...Buffer.concat(received)], binary: () => binary };
}

async function connected(...args: Parameters<typeof raw>): Promise<RawClient> {
  const client = await raw(...args);
  client.ws.send(CONNECT);
  await waitFor(() => client.bytes().length >= 4);
  expect(client.bytes()).toEqual(CONNACK);
  return client;
}

test.each([0, 1] as const)(
  'QoS %i: MQTT.js over WebSocket and a JSON client hear each other',
  async (qos) => {
    const topic = `m${qos}`;
    const mqtt = await connectAsync(one.url, { protocolVersion: 4 });
    await using json = await connect(other.url);
    const heard: string[] = [];
    mqtt.on('message', (_topic, payload) => void heard.push(payload.toString()));
    await mqtt.subscribeAsync(`${topic}/down`, { qos });
    await json.ask({ op: 'sub', filters: [{ filter: `${topic}/up`, qos }] });
    await mqtt.publishAsync(`${topic}/up`, 'from mqtt', { qos });
    await json.ask({ op: 'pub', topic: `${topic}/down`, payload: 'from json', qos });
    expect(await json.seen({ op: 'msg' })).toMatchObject({ topic: `${topic}/up`, payload: 'from mqtt', qos });
    await waitFor(() => heard.length === 1);
    expect(heard).toEqual(['from json']);
    await mqtt.endAsync();
  },
);

describe('MQTT over WebSocket', () => {
  test('[MQTT3-6.0.0-1] [MQTT-6.0.0-1] a text message closes with 1003, and what it said is not acted on', async () => {
    const { ws, bytes } = await connected(one);
    ws.send(PINGREQ.toString('latin1'));
    ws.send(PINGREQ);
    const [code] = (await once(ws, 'close')) as [number];
    expect([code, bytes()]).toEqual([1003, CONNACK]);
  });

  test('[MQTT3-6.0.0-1] [MQTT-6.0.0-1] packets of the server travel in binary messages', async () => {
    const { ws, bytes, binary } = await connected(one);
    ws.send(PINGREQ);
    await waitFor(() => bytes().length === 6);
    expect(binary()).toBe(true);
    ws.terminate();
  });

  test('[MQTT3-6.0.0-2] [MQTT-6.0.0-2] packets split over messages and several in one message', async () => {
    const { ws, bytes } = await raw(one);
    const stream = Buffer.concat([CONNECT, PINGREQ, PINGREQ]);
    const cuts = [0, 1, 2, 7, 15, stream.length];
    cuts.slice(1).forEach((end, i) => ws.send(stream.subarray(cuts[i], end)));
    await waitFor(() => bytes().length >= 8);
    expect(bytes()).toEqual([...CONNACK, ...PINGRESP, ...PINGRESP]);
    ws.terminate();
  });

  test('[RFC6455-5.4] a message in fragments with a ping between them is one message', async () => {
    const { ws, bytes } = await raw(one);
    const pong = once(ws, 'pong');
    ws.send(CONNECT.subarray(0, 5), { fin: false });
    ws.ping('between');
    expect(String((await pong)[0])).toBe('between');
    ws.send(CONNECT.subarray(5), { fin: false });
    ws.send(PINGREQ);
    await waitFor(() => bytes().length >= 6);
    expect(bytes()).toEqual([...CONNACK, ...PINGRESP]);
    ws.terminate();
  });

  test.each(['/', '/mqtt', '/any/path?with=query', '/%FF'])(
    'the path says nothing: %s is as good as any other',
    async (path) => {
      const { ws } = await connected(one, 'mqtt', path);
      ws.terminate();
    },
  );

  test.each([
    [['mqtt'], 'mqtt'],
    [['mqttv3.1'], 'mqttv3.1'],
    [['soap', 'mqttv3.1', 'mqtt'], 'mqtt'],
  ])('[MQTT3-6.0.0-4] [MQTT-6.0.0-4] %j offered is answered with %s', async (offered, answered) => {
    const { ws } = await connected(one, offered);
    expect(ws.protocol).toBe(answered);
    ws.terminate();
  });

  test('[MQTT3-6.0.0-3] [MQTT-6.0.0-3] without mqtt among the subprotocols there is no WebSocket', async () => {
    await expect(raw(one, [])).rejects.toThrow('400');
    await expect(raw(one, ['mqttv5', 'chat'])).rejects.toThrow('400');
  });

  test('[RFC6455-5.5.3] pings are answered with what they carry', async () => {
    const { ws } = await connected(one);
    const pongs: string[] = [];
    ws.on('pong', (data) => void pongs.push(data.toString()));
    for (const word of ['', 'a', 'x'.repeat(125)]) ws.ping(word);
    await waitFor(() => pongs.length === 3);
    expect(pongs).toEqual(['', 'a', 'x'.repeat(125)]);
    ws.terminate();
  });

  test('a client that pings for ever and reads nothing is cut off before its pongs fill the memory', async () => {
    const { ws } = await connected(one);
    const closed = once(ws, 'close');
    ws.pause();
    const ping = 'x'.repeat(125);
    const flood = setInterval(() => {
      for (let i = 0; i < 5_000 && ws.bufferedAmount < 1 << 20; i++) ws.ping(ping);
    }, 1);
    await waitFor(() => one.door.stats.connectionsMqtt === 0, { timeoutMs: 45_000 });
    clearInterval(flood);
    ws.resume();
    expect((await closed)[0]).toBe(1006);
  });

  describe('with a limit of 2,048 bytes for a WebSocket message', () => {
    let small: DoorUnderTest;
    beforeAll(async () => {
      small = await startDoor(nats.url, { config: { maxMessageBytes: 2_048, compress: true } });
    });
    afterAll(() => small[Symbol.asyncDispose]());

    test('[RFC6455-7.4.1] a larger one closes with 1009', async () => {
      const { ws } = await connected(small);
      ws.send(Buffer.alloc(2_049));
      expect((await once(ws, 'close'))[0]).toBe(1009);
    });

    test('[RFC6455-7.4.1] fragments that are larger together close with 1009', async () => {
      const { ws } = await connected(small);
      for (let i = 0; i < 3; i++) ws.send(Buffer.alloc(1_000), { fin: false });
      expect((await once(ws, 'close'))[0]).toBe(1009);
    });

    test('one that becomes larger when it is unpacked closes with 1009', async () => {
      const { ws } = await connected(small, 'mqtt', '/', { perMessageDeflate: { threshold: 0 } });
      ws.send(Buffer.alloc(1_000_000));
      expect((await once(ws, 'close'))[0]).toBe(1009);
    });

    test('[MQTT3-6.0.0-2] [MQTT-6.0.0-2] a larger packet passes in several messages', async () => {
      const { ws, bytes } = await connected(small);
      const packets = Buffer.concat([publishPacket(Buffer.alloc(10_000)), PINGREQ]);
      for (let at = 0; at < packets.length; at += 2_000) ws.send(packets.subarray(at, at + 2_000));
      await waitFor(() => bytes().length === 6);
      expect(bytes()).toEqual([...CONNACK, ...PINGRESP]);
      ws.terminate();
    });
  });
});

describe('permessage-deflate', () => {
  const OFFERED: ClientOptions = { perMessageDeflate: { threshold: 0 } };

  test('is not agreed to unless it is switched on', async () => {
    const { ws } = await raw(one, 'mqtt', '/', OFFERED);
    expect(ws.extensions).toBe('');
    ws.terminate();
  });

  test('switched on, MQTT and JSON clients get all in order, compressed and plain, and no client holds another up', async () => {
    await using door = await startDoor(nats.url, { config: { compress: true } });
    const wsOptions = { perMessageDeflate: { threshold: 0 } };
    const packed = await connectAsync(door.url, { protocolVersion: 4, wsOptions });
    const plain = await connectAsync(door.url, {
      protocolVersion: 4,
      wsOptions: { perMessageDeflate: false },
    });
    await using json = await connect(door.url, OFFERED);
    expect(json.ws.extensions).toContain('permessage-deflate');
    const count = 1_000;
    const filler = 'x'.repeat(1_000);
    const heard = [packed, plain].map((client) => {
      const payloads: string[] = [];
      client.on('message', (_topic, payload) => void payloads.push(payload.toString()));
      return payloads;
    });
    await Promise.all([packed, plain].map((client) => client.subscribeAsync('packed', { qos: 1 })));
    await json.ask({ op: 'sub', filters: [{ filter: 'packed', qos: 1 }] });
    for (let i = 0; i < count; i++) packed.publish('packed', `${i} ${filler}`, { qos: 1 });
    const all = Array.from({ length: count }, (_, i) => `${i} ${filler}`);
    await waitFor(() => [...heard, json.payloads()].every(({ length }) => length >= count), {
      timeoutMs: 120_000,
      message: () => [...heard, json.payloads()].map(({ length }) => length).join(', '),
    });
    for (const payloads of [...heard, json.payloads()]) expect(payloads).toEqual(all);
    await Promise.all([packed.endAsync(), plain.endAsync()]);
  });

  test('a client that does not read stalls within its bound, and gets everything when it reads again', async () => {
    await using door = await startDoor(nats.url, { config: { compress: true, maxOutputBytes: 65_536 } });
    await using json = await connect(door.url, OFFERED);
    await json.ask({ op: 'sub', filters: [{ filter: 'slow', qos: 1 }] });
    json.ws.pause();
    const count = 1_000;
    const noise = Array.from({ length: count }, (_, i) => `${i} ${randomBytes(7_000).toString('base64')}`);
    for (const payload of noise) await door.bus.publisher.store('tv1.m.1.-.slow', Buffer.from(payload));
    await waitFor(() => door.door.stats.stalls > 0);
    expect(door.door.stats.deliveredDurable).toBeLessThan(count);
    json.ws.resume();
    await waitFor(() => json.payloads().length === count, { timeoutMs: 45_000 });
    expect(json.payloads()).toEqual(noise);
  });
});

test('[MQTT3-4.8.0-1] a malformed packet closes the connection, and the door goes on', async () => {
  const { ws } = await raw(one);
  ws.send(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
  await once(ws, 'close');
  await using json = await connect(one.url);
  expect(await json.ask({ op: 'ping' })).toMatchObject({ op: 'pong' });
});

test('a drain ends MQTT clients with 1012', async () => {
  await using door = await startDoor(nats.url);
  const { ws, bytes } = await raw(door);
  ws.send(CONNECT);
  await waitFor(() => bytes().length === 4);
  door.door.stopAccepting();
  const closed = once(ws, 'close') as Promise<[number]>;
  await door.door.drain({ signal: new AbortController().signal, graceMs: 500 });
  expect((await closed)[0]).toBe(1012);
});

test('a door that must give up its clients delivers nothing more to those that speak MQTT', async () => {
  await using door = await startDoor(nats.url);
  const mqtt = await connectAsync(door.url, { protocolVersion: 4, reconnectPeriod: 0 });
  await mqtt.subscribeAsync('given/up', { qos: 1 });
  const closed = new Promise<void>((resolve) => mqtt.once('close', () => resolve()));
  expect(door.delivery.stats.receivers).toBe(1);
  door.door.closeClients('bus.unavailable');
  expect(door.delivery.stats.receivers).toBe(0);
  await closed;
});
