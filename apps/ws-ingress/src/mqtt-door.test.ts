import { once } from 'node:events';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
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

async function raw(door: DoorUnderTest, subprotocol = 'mqtt'): Promise<{ ws: WebSocket; bytes(): number[] }> {
  const ws = new WebSocket(door.url, subprotocol);
  const received: Buffer[] = [];
  ws.on('message', (data: Buffer) => void received.push(data));
  await once(ws, 'open');
  return { ws, bytes: () => [...Buffer.concat(received)] };
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

test('[MQTT-6.0.0-2] packets split over messages and several in one message', async () => {
  const { ws, bytes } = await raw(one);
  const stream = Buffer.concat([CONNECT, PINGREQ, PINGREQ]);
  const cuts = [0, 1, 2, 7, 15, stream.length];
  cuts.slice(1).forEach((end, i) => ws.send(stream.subarray(cuts[i], end)));
  await waitFor(() => bytes().length >= 8);
  expect(bytes()).toEqual([...CONNACK, ...PINGRESP, ...PINGRESP]);
  ws.terminate();
});

test('[MQTT-6.0.0-4] the legacy subprotocol of MQTT 3.1 is answered as it was asked for', async () => {
  const { ws, bytes } = await raw(one, 'mqttv3.1');
  expect(ws.protocol).toBe('mqttv3.1');
  ws.send(CONNECT);
  await waitFor(() => bytes().length === 4);
  expect(bytes()).toEqual(CONNACK);
  ws.terminate();
});

test('[MQTT-4.8.0-1] a malformed packet closes the connection, and the door goes on', async () => {
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
