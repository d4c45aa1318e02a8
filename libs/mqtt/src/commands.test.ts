import { createCommandCaller, type CommandCaller } from '@trivium/commands';
import { connectBus, type Bus } from '@trivium/bus';
import { startNats, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acknowledge, connect, publish, subscribe } from './testing/client-packets.ts';
import { answers, mqtt5Client, rawMqtt5 } from './testing/mqtt5-clients.ts';
import { peerOf } from './testing/peer.ts';
import { realDoor, type RealDoor } from './testing/real-door.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

let nats: NatsServer;
let here: RealDoor;
let there: RealDoor;
let bus: Bus;
let caller: CommandCaller;
let id: string;
let run = 0;
beforeAll(async () => {
  nats = await startNats();
  [here, there] = await Promise.all([realDoor(nats.url), realDoor(nats.url)]);
  bus = await connectBus({ config: { url: nats.url, name: 'caller' }, logger: quiet });
  caller = createCommandCaller(bus);
});
afterAll(async () => {
  caller.close();
  await bus.close();
  await here[Symbol.asyncDispose]();
  await there[Symbol.asyncDispose]();
  await nats.stop();
});
beforeEach(() => {
  id = `device-${++run}`;
});

const call = (device: string, payload = 'in', timeoutMs = 20_000): Promise<string> =>
  caller.call(device, 'set', { payload: bytes(payload) }, { timeoutMs }).then((body) => text(body.payload));

describe('commands', () => {
  test.each([0, 1, 2] as const)('to a device of MQTT 5, which replies at QoS %i', async (qos) => {
    const device = await mqtt5Client(here, { clientId: id });
    device.mqtt.on('message', (topic, payload, { properties }) => {
      expect([topic, properties!.correlationData !== undefined]).toEqual([`cmd/${id}/set`, true]);
      expect(properties!.userProperties).toMatchObject({ who: 'me' });
      device.mqtt.publish(properties!.responseTopic!, `done ${payload.toString()}`, {
        qos,
        properties: { contentType: 'text/x', correlationData: properties!.correlationData! },
      });
    });
    const body = { payload: bytes('in'), properties: { userProperties: [['who', 'me']] as const } };
    for (let i = 0; i < 3; i++) {
      const reply = await caller.call(id, 'set', body, { timeoutMs: 20_000 });
      expect([text(reply.payload), reply.properties?.contentType]).toEqual(['done in', 'text/x']);
    }
  });

  test.each([0, 1, 2] as const)('to a device of MQTT 3.1.1, which replies at QoS %i', async (qos) => {
    const device = await here.client({ clientId: id });
    device.mqtt.on('message', (topic, payload) => {
      expect(topic).toMatch(new RegExp(`^cmd/${id}/set/[A-Za-z0-9-]+$`));
      device.mqtt.publish(`${topic}/reply`, `done ${payload.toString()}`, { qos });
    });
    for (let i = 0; i < 3; i++) expect(await call(id)).toBe('done in');
  });

  test('many at once to several devices: each caller gets its own answer', async () => {
    const ids = ['a', 'b', 'c'].map((name) => `${id}-${name}`);
    for (const [i, clientId] of ids.entries()) {
      const device = await (i === 1 ? there : here).client({ clientId });
      device.mqtt.on('message', (topic, payload) => {
        setTimeout(
          () => device.mqtt.publish(`${topic}/reply`, `${clientId} ${payload.toString()}`),
          Math.random() * 20,
        );
      });
    }
    const calls = Array.from({ length: 300 }, (_, i) => ({ device: ids[i % 3]!, payload: String(i) }));
    const replies = await Promise.all(calls.map(({ device, payload }) => call(device, payload)));
    expect(replies).toEqual(calls.map(({ device, payload }) => `${device} ${payload}`));
  });

  test('unknown, offline and silent devices', async () => {
    await expect(call('nobody')).rejects.toMatchObject({ code: 'device.unknown' });
    const away = await here.client({ clientId: id, clean: false });
    await away.mqtt.endAsync();
    await waitFor(async () => {
      await expect(call(id)).rejects.toMatchObject({ code: 'device.offline' });
      return true;
    });
    await there.client({ clientId: `${id}-mute` });
    await expect(call(`${id}-mute`, 'in', 300)).rejects.toMatchObject({ code: 'device.no-answer' });
  });

  test('a reply that comes by another door, after a reconnect, reaches the caller', async () => {
    const first = await here.client({ clientId: id });
    const topics: string[] = [];
    first.mqtt.on('message', (topic) => void topics.push(topic));
    const answer = call(id);
    await waitFor(() => topics.length === 1);
    const second = await there.client({ clientId: id });
    await second.mqtt.publishAsync(`${topics[0]}/reply`, 'late', { qos: 1 });
    expect(await answer).toBe('late');
    expect(caller.stats.forwarded).toBe(1);
  });

  test('nobody answers for another device, or publishes to cmd/; nothing of it reaches subscribers', async () => {
    const victim = await here.client({ clientId: id });
    const topics: string[] = [];
    victim.mqtt.on('message', (topic) => void topics.push(topic));
    const answer = call(id);
    await waitFor(() => topics.length === 1);
    const eve = await rawMqtt5(there, 'eve');
    await answers(eve, subscribe(1, [{ filter: 'cmd/#', qos: 1 }], 5));
    const forged = topics[0]!.replace(`cmd/${id}/`, 'cmd/eve/');
    const sent = [
      publish({ topic: `${topics[0]}/reply`, qos: 1, packetId: 1, payload: 'forged', level: 5 }),
      publish({ topic: `${forged}/reply`, qos: 1, packetId: 2, payload: 'forged', level: 5 }),
      publish({ topic: `cmd/${id}/set`, qos: 2, packetId: 3, payload: 'forged', level: 5 }),
    ];
    const got = await answers(eve, ...sent);
    expect(got).toMatch(/^40..000187/);
    expect(got).toContain('40020002');
    expect(got).toMatch(/50..000387/);
    victim.mqtt.publish(`${topics[0]}/reply`, 'true');
    expect(await answer).toBe('true');
    expect(await answers(eve)).toBe('');
  });

  test('[MQTT3-3.3.5-2] what is not a reply is answered like what policies deny: before MQTT 5 acknowledged, also when it is repeated', async () => {
    const hears = await here.client({ clientId: `${id}-hears` });
    const heard: string[] = [];
    hears.mqtt.on('message', (topic) => void heard.push(topic));
    await hears.mqtt.subscribeAsync(['cmd/#', 'end'], { qos: 1 });
    const { deniedIn } = here.door.stats;
    const topic = 'cmd/x/y';
    const old = await peerOf(here, { level: 4, clientId: `${id}-old` });
    old.send(
      publish({ topic, qos: 0, payload: '' }),
      publish({ topic, qos: 1, packetId: 1, payload: '' }),
      publish({ topic, qos: 2, packetId: 2, payload: '' }),
      publish({ topic, qos: 2, packetId: 2, payload: '', dup: true }),
    );
    expect(await old.take('puback')).toMatchObject({ packetId: 1 });
    for (let n = 0; n < 2; n++) expect(await old.take('pubrec')).toMatchObject({ packetId: 2 });
    old.send(acknowledge('pubrel', 2));
    expect(await old.take('pubcomp')).toMatchObject({ packetId: 2 });
    const recent = await peerOf(here, { level: 5, clientId: `${id}-recent` });
    recent.send(
      publish({ topic, qos: 0, payload: '', level: 5 }),
      publish({ topic, qos: 1, packetId: 1, payload: '', level: 5 }),
      publish({ topic, qos: 2, packetId: 2, payload: '', level: 5 }),
    );
    expect(await recent.take('puback')).toMatchObject({ packetId: 1, reason: 0x87 });
    expect(await recent.take('pubrec')).toMatchObject({ packetId: 2, reason: 0x87 });
    expect(here.door.stats.deniedIn - deniedIn).toBe(6);
    for (const peer of [old, recent]) {
      peer.send(publish({ topic: 'end', qos: 1, packetId: 9, payload: '', level: peer === recent ? 5 : 4 }));
      expect(await peer.take('puback')).toMatchObject({ packetId: 9 });
    }
    await waitFor(() => heard.length === 2);
    expect(heard).toEqual(['end', 'end']);
  });

  test('a will on cmd/ is refused at CONNECT', async () => {
    const socket = await here.socket();
    const will = {
      ...{ topic: 'cmd/a/b', payload: Buffer.from('x'), qos: 0 as const, retain: false },
      properties: undefined,
    };
    socket.send(connect({ level: 5, clientId: id, will }));
    await socket.closed;
    expect(socket.received()).toMatch(/^20..0087/);
  });

  test('no packet larger than the device takes: the caller is told', async () => {
    await rawMqtt5(here, id, { maximumPacketBytes: 200 });
    await expect(call(id, 'x'.repeat(300))).rejects.toMatchObject({ code: 'payload.too-large' });
  });

  test('a full window does not stop commands', async () => {
    const device = await rawMqtt5(here, id, { receiveMaximum: 1 });
    await answers(device, subscribe(1, [{ filter: id, qos: 1 }], 5));
    const publisher = await there.client();
    await publisher.mqtt.publishAsync(id, 'fills the window', { qos: 1 });
    await waitFor(() => device.rest().includes(Buffer.from('fills').toString('hex')));
    const unanswered = expect(call(id, 'through', 5_000)).rejects.toMatchObject({ code: 'device.no-answer' });
    await waitFor(() => device.rest().includes(Buffer.from('through').toString('hex')));
    await unanswered;
  });
});
