import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acknowledge, subscribe } from './testing/client-packets.ts';
import { answers, arrivedPackets, mqtt5Client, rawMqtt5 } from './testing/mqtt5-clients.ts';
import { realDoor, type RealDoor, type TestClient } from './testing/real-door.ts';

let nats: NatsServer;
let here: RealDoor;
let there: RealDoor;
let topic: string;
let id: string;
let run = 0;
beforeAll(async () => {
  nats = await startNats();
  [here, there] = await Promise.all([realDoor(nats.url), realDoor(nats.url)]);
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
  await there[Symbol.asyncDispose]();
  await nats.stop();
});
beforeEach(() => {
  topic = `t${++run}`;
  id = `client-${run}`;
});

const payloads = (...clients: TestClient[]): string[] =>
  clients.flatMap(({ seen }) => seen.map((line) => line.split(' ')[1]!)).sort();

async function publishAll(from: TestClient, qos: 0 | 1 | 2, count = 60): Promise<string[]> {
  const sent = Array.from({ length: count }, (_, i) => String(100 + i));
  await Promise.all(sent.map((payload) => from.mqtt.publishAsync(topic, payload, { qos })));
  return sent;
}

describe('shared subscriptions (section 4.8.2)', () => {
  test.each([0, 1, 2] as const)(
    'QoS %i: one member gets each message, of 3.1.1 and 5, at two doors',
    async (qos) => {
      const workers = [
        await here.client({ clientId: `${id}-a`, protocolVersion: 4 }),
        await there.client({ clientId: `${id}-b`, protocolVersion: 5 }),
        await there.client({ clientId: `${id}-c`, protocolVersion: 3, protocolId: 'MQIsdp' }),
      ];
      for (const { mqtt } of workers) await mqtt.subscribeAsync(`$share/g/${topic}`, { qos: 2 });
      const audience = await here.client({ clientId: `${id}-d` });
      await audience.mqtt.subscribeAsync(topic, { qos });
      const sent = await publishAll(await here.client({ clientId: `${id}-p` }), qos);
      await waitFor(() => payloads(...workers).length >= sent.length && audience.seen.length >= sent.length);
      expect(payloads(...workers)).toEqual(sent);
      for (const { seen } of workers) {
        expect(seen.length).toBeGreaterThan(3);
        expect(seen.every((line) => line.endsWith(` q${qos}`))).toBe(true);
      }
      for (const { mqtt } of [...workers, audience]) await mqtt.endAsync();
    },
  );

  test('[MQTT-4.8.2-3] each member gets it at the QoS granted to it', async () => {
    const worker = await here.client({ clientId: id });
    await worker.mqtt.subscribeAsync(`$share/g/${topic}`, { qos: 0 });
    await publishAll(await there.client({ clientId: `${id}-p` }), 1, 3);
    await waitFor(() => worker.seen.length >= 3);
    expect(worker.seen.map((line) => line.slice(-2))).toEqual(['q0', 'q0', 'q0']);
  });

  test('retained messages are not sent for it; its identifier and retain as published are', async () => {
    const publisher = await here.client({ clientId: `${id}-p` });
    await publisher.mqtt.publishAsync(topic, 'old', { qos: 1, retain: true });
    const worker = await mqtt5Client(there, { clientId: id });
    await worker.mqtt.subscribeAsync(`$share/g/${topic}`, {
      qos: 1,
      rap: true,
      properties: { subscriptionIdentifier: 9 },
    });
    await publisher.mqtt.publishAsync(topic, 'new', { qos: 1, retain: true });
    await arrivedPackets(worker.packets, 1);
    const [packet] = worker.packets;
    expect([packet!.payload.toString(), packet!.retain]).toEqual(['new', true]);
    expect([packet!.properties!.subscriptionIdentifier].flat()).toEqual([9]);
    await publisher.mqtt.publishAsync(topic, '', { retain: true });
  });

  test('a filter of its own and a shared one bring a message each', async () => {
    const worker = await here.client({ clientId: id });
    await worker.mqtt.subscribeAsync({ [`$share/g/${topic}`]: { qos: 1 }, [topic]: { qos: 1 } });
    await publishAll(worker, 1, 2);
    await waitFor(() => worker.seen.length >= 4);
    expect(payloads(worker)).toEqual(['100', '100', '101', '101']);
  });

  test('QoS 1: what a member did not acknowledge goes to another when its connection breaks', async () => {
    const lost = await rawMqtt5(here, `${id}-lost`);
    await answers(lost, subscribe(1, [{ filter: `$share/g/${topic}`, qos: 1 }], 5));
    const sent = await publishAll(await there.client({ clientId: `${id}-p` }), 1, 3);
    await waitFor(() => lost.rest().includes(Buffer.from('102').toString('hex')));
    lost.send(acknowledge('puback', 1));
    const heir = await there.client({ clientId: `${id}-heir` });
    await heir.mqtt.subscribeAsync(`$share/g/${topic}`, { qos: 1 });
    await answers(lost);
    lost.socket.destroy();
    await waitFor(() => heir.seen.length >= 2);
    expect(payloads(heir)).toEqual(sent.slice(1));
  });

  test('[MQTT-4.8.2-6] what a member refuses is offered to nobody else', async () => {
    const refuser = await rawMqtt5(here, `${id}-no`);
    await answers(refuser, subscribe(1, [{ filter: `$share/g/${topic}`, qos: 2 }], 5));
    const publisher = await there.client({ clientId: `${id}-p` });
    await publishAll(publisher, 1, 1);
    await waitFor(() => refuser.rest().includes(Buffer.from('100').toString('hex')));
    await answers(refuser, acknowledge('puback', 1, 0x80));
    await publisher.mqtt.publishAsync(topic, 'two', { qos: 2 });
    await waitFor(() => refuser.rest().includes(Buffer.from('two').toString('hex')));
    await answers(refuser, acknowledge('pubrec', 2, 0x83));
    const other = await there.client({ clientId: `${id}-o` });
    await other.mqtt.subscribeAsync(`$share/g/${topic}`, { qos: 2 });
    refuser.socket.destroy();
    await publisher.mqtt.publishAsync(topic, 'three', { qos: 1 });
    await waitFor(() => other.seen.length > 0);
    expect(payloads(other)).toEqual(['three']);
  });

  test('[MQTT-4.8.2-4] a QoS 2 message that was begun is completed to its member when it is back, and goes to nobody else [MQTT-4.8.2-5]', async () => {
    const begun = await rawMqtt5(here, `${id}-two`, { sessionExpirySeconds: 600 });
    await answers(begun, subscribe(1, [{ filter: `$share/g/${topic}`, qos: 2 }], 5));
    const publisher = await there.client({ clientId: `${id}-p` });
    await publishAll(publisher, 2, 1);
    await waitFor(() => begun.rest().includes(Buffer.from('100').toString('hex')));
    const other = await there.client({ clientId: `${id}-o` });
    await other.mqtt.subscribeAsync(`$share/g/${topic}`, { qos: 2 });
    begun.socket.destroy();
    await publisher.mqtt.publishAsync(topic, 'next', { qos: 1 });
    await waitFor(() => other.seen.length > 0);
    const back = await mqtt5Client(here, {
      clientId: `${id}-two`,
      clean: false,
      properties: { sessionExpiryInterval: 600 },
    });
    await arrivedPackets(back.packets, 1);
    expect(back.packets.map(({ payload, dup }) => [payload.toString(), dup])).toEqual([['100', true]]);
    expect(payloads(other)).toEqual(['next']);
    await back.mqtt.endAsync(false, { properties: { sessionExpiryInterval: 0 } });
  });

  test('a persistent member that is away: the share waits for it, and it is a member still at another door', async () => {
    const options = { clientId: id, clean: false, protocolVersion: 4 } as const;
    const before = await here.client(options);
    await before.mqtt.subscribeAsync(`$share/g/${topic}`, { qos: 1 });
    await before.mqtt.endAsync();
    const sent = await publishAll(await here.client({ clientId: `${id}-p` }), 1, 20);
    const after = await there.client(options);
    await waitFor(() => after.seen.length >= 20);
    expect(payloads(after)).toEqual(sent);
    await after.mqtt.unsubscribeAsync(`$share/g/${topic}`);
    await after.mqtt.endAsync();
  });

  test('a member takes no more than its Receive Maximum; others take the rest', async () => {
    const small = await rawMqtt5(here, `${id}-small`, { receiveMaximum: 2 });
    await answers(small, subscribe(1, [{ filter: `$share/g/${topic}`, qos: 1 }], 5));
    const publisher = await there.client({ clientId: `${id}-p` });
    const sent = await publishAll(publisher, 1, 30);
    const large = await here.client({ clientId: `${id}-large` });
    await large.mqtt.subscribeAsync(`$share/g/${topic}`, { qos: 1 });
    await waitFor(() => large.seen.length >= 28);
    expect(payloads(large)).toEqual(sent.slice(2));
    small.socket.destroy();
    await waitFor(() => large.seen.length >= 30);
    expect(payloads(large)).toEqual(sent);
  });
});
