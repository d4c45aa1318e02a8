import { waitFor } from '@trivium/testing';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterEach, describe, expect, inject, it } from 'vitest';

const hub = inject('hub');
const TCP = `mqtt://${hub.host}:${hub.mqtt}`;
const WEBSOCKET = `ws://${hub.host}:${hub.ws}/`;

const open: MqttClient[] = [];
afterEach(() => {
  for (const client of open.splice(0)) client.end(true);
});

async function connect(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, ...options });
  open.push(client);
  return client;
}

let run = 0;
const unique = (name: string): string => `${name}-${process.pid}-${++run}`;

describe('MQTT 5', () => {
  it.each([
    ['TCP to WebSocket', TCP, WEBSOCKET],
    ['WebSocket to TCP', WEBSOCKET, TCP],
  ])('properties go from %s', async (_name, from, to) => {
    const topic = unique('five');
    const sub = await connect(to);
    const seen: unknown[] = [];
    sub.on('message', (_topic, _payload, { properties }) => seen.push(properties));
    await sub.subscribeAsync(topic, { qos: 2 });
    const pub = await connect(from);
    const properties = { contentType: 'a/b', userProperties: { k: ['1', '2'] }, responseTopic: 'r' };
    for (const qos of [0, 1, 2] as const) await pub.publishAsync(topic, 'x', { qos, properties });
    await waitFor(() => seen.length === 3);
    for (const one of seen) expect(one).toMatchObject(properties);
  });

  it('properties of an HTTP publish reach an MQTT 5 subscriber', async () => {
    const topic = unique('five');
    const sub = await connect(TCP);
    const seen: unknown[] = [];
    sub.on('message', (_topic, _payload, { properties }) => seen.push(properties));
    await sub.subscribeAsync(topic, { qos: 1 });
    const url = `http://${hub.host}:${hub.http}/topics/${topic}?qos=1&contentType=a%2Fb&responseTopic=r&messageExpiry=60`;
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(200);
    await waitFor(() => seen.length === 1);
    expect(seen[0]).toMatchObject({ contentType: 'a/b', responseTopic: 'r' });
  });

  it('[MQTT-3.1.2-8] a will waits for its delay, and not beyond the end of its session', async () => {
    const topic = unique('late');
    const watcher = await connect(TCP);
    const seenAt = new Map<string, number>();
    watcher.on('message', (_topic, payload) => seenAt.set(payload.toString(), performance.now()));
    await watcher.subscribeAsync(topic, { qos: 1 });
    const mortal = (name: string, willDelayInterval: number, sessionExpiryInterval: number) =>
      connect(TCP, {
        clientId: unique(name),
        properties: { sessionExpiryInterval },
        will: { topic, payload: Buffer.from(name), qos: 1, retain: false, properties: { willDelayInterval } },
      });
    const died = performance.now();
    (await mortal('delayed', 3, 100)).stream.destroy();
    (await mortal('ended', 100, 0)).stream.destroy();
    // The second one long before its own delay is over.
    await waitFor(() => seenAt.size === 2, { timeoutMs: 45_000 });
    expect(seenAt.get('delayed')! - died).toBeGreaterThan(3_000);
  });

  it('[MQTT-3.1.3-9] a will whose client is back in time is not published', async () => {
    const topic = unique('back');
    const watcher = await connect(TCP);
    const seen: string[] = [];
    watcher.on('message', (_topic, payload) => seen.push(payload.toString()));
    await watcher.subscribeAsync(topic, { qos: 1 });
    const options: IClientOptions = {
      clientId: unique('returns'),
      clean: false,
      properties: { sessionExpiryInterval: 100 },
      will: {
        topic,
        payload: Buffer.from('gone'),
        qos: 1,
        retain: false,
        properties: { willDelayInterval: 10 },
      },
    };
    (await connect(TCP, options)).stream.destroy();
    const back = await connect(WEBSOCKET, options);
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    await back.publishAsync(topic, 'here', { qos: 1 });
    await waitFor(() => seen.length > 0);
    expect(seen).toEqual(['here']);
  });
});
