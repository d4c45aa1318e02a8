import { outsideClient, startNats, startProcess, waitFor, type NatsServer } from '@trivium/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, packet, PINGREQ, publish, subscribe } from './testing/client-packets.ts';
import { arrived, realDoor } from './testing/real-door.ts';

let nats: NatsServer;
beforeAll(async () => void (nats = await startNats()));
afterAll(() => nats.stop());

const [publisher, subscriber] = await Promise.all([
  outsideClient('mosquitto_pub'),
  outsideClient('mosquitto_sub'),
]);

describe.each([
  ['3.1', { protocolId: 'MQIsdp', protocolVersion: 3 }],
  ['3.1.1', { protocolId: 'MQTT', protocolVersion: 4 }],
] as const)('MQTT.js, MQTT %s, over two doors', (_name, version) => {
  test('QoS 0 and 1 cross, once, in order, at the lower of both QoS', async () => {
    await using here = await realDoor(nats.url);
    await using there = await realDoor(nats.url);
    const sub = await there.client(version);
    expect(
      await sub.mqtt.subscribeAsync({ 'q/zero': { qos: 0 }, 'q/one/#': { qos: 1 }, '+/one/+': { qos: 0 } }),
    ).toMatchObject([
      { topic: 'q/zero', qos: 0 },
      { topic: 'q/one/#', qos: 1 },
      { topic: '+/one/+', qos: 0 },
    ]);
    const pub = await here.client(version);
    for (let i = 0; i < 20; i++) {
      await pub.mqtt.publishAsync('q/one/x', `${i}`, { qos: 1 });
      await pub.mqtt.publishAsync('q/zero', `${i}`, { qos: i % 2 === 0 ? 0 : 1 });
      await pub.mqtt.publishAsync('q/one', `${i}`, { qos: 0 });
    }
    await arrived(sub.seen, 60);
    // A last one through each path: what was sent twice before would be here too.
    await pub.mqtt.publishAsync('q/one/x', 'last', { qos: 1 });
    await pub.mqtt.publishAsync('q/zero', 'last', { qos: 0 });
    await arrived(sub.seen, 62);
    const numbers = Array.from({ length: 20 }, (_, i) => i);
    const on = (topic: string) => sub.seen.filter((line) => line.startsWith(`${topic} `));
    expect(on('q/one/x')).toEqual([...numbers.map((i) => `q/one/x ${i} q1`), 'q/one/x last q1']);
    expect(on('q/zero')).toEqual([...numbers.map((i) => `q/zero ${i} q0`), 'q/zero last q0']);
    expect(on('q/one')).toEqual(numbers.map((i) => `q/one ${i} q0`));
    expect(sub.seen).toHaveLength(62);
  });

  test('after UNSUBACK nothing comes any more', async () => {
    await using door = await realDoor(nats.url);
    const client = await door.client(version);
    await client.mqtt.subscribeAsync(['u/a', 'u/b'], { qos: 1 });
    await client.mqtt.unsubscribeAsync('u/a');
    await client.mqtt.publishAsync('u/a', 'no', { qos: 1 });
    await client.mqtt.publishAsync('u/b', 'yes', { qos: 1 });
    await arrived(client.seen, 1);
    expect(client.seen).toEqual(['u/b yes q1']);
  });
});

test('topics of every kind arrive as they were sent', async () => {
  await using door = await realDoor(nats.url);
  const client = await door.client();
  await client.mqtt.subscribeAsync(['t/#', '$dollar/#'], { qos: 1 });
  const topics = [
    't',
    't/',
    't//x',
    't/a.b/*',
    't/>',
    't/ü/日本/😀',
    't/ blank %20',
    '$dollar/x',
    't/\ufeffbom',
  ];
  for (const topic of topics) await client.mqtt.publishAsync(topic, '', { qos: 1 });
  await arrived(client.seen, topics.length);
  expect(client.seen).toEqual(topics.map((topic) => `${topic}  q1`));
});

test('[MQTT3-4.7.2-1] a filter that begins with a wildcard does not match $ topics', async () => {
  await using door = await realDoor(nats.url);
  const client = await door.client();
  await client.mqtt.subscribeAsync(['#', '+/x'], { qos: 1 });
  for (const topic of ['$hidden/x', 'seen/x']) {
    await client.mqtt.publishAsync(topic, '', { qos: 0 });
    await client.mqtt.publishAsync(topic, '', { qos: 1 });
  }
  await arrived(client.seen, 2);
  expect([...client.seen].sort()).toEqual(['seen/x  q0', 'seen/x  q1']);
});

test('a large payload, both QoS, byte by byte the same', async () => {
  await using door = await realDoor(nats.url);
  const client = await door.client();
  const payload = Buffer.from(Array.from({ length: 900_000 }, (_, i) => i % 251));
  const got: Buffer[] = [];
  client.mqtt.on('message', (_topic, bytes) => got.push(bytes));
  await client.mqtt.subscribeAsync('big', { qos: 1 });
  await client.mqtt.publishAsync('big', payload, { qos: 0 });
  await client.mqtt.publishAsync('big', payload, { qos: 1 });
  await waitFor(() => got.length === 2);
  expect(got.every((bytes) => bytes.equals(payload))).toBe(true);
});

test('a packet above the limit closes the connection, and only that one', async () => {
  await using door = await realDoor(nats.url, { maxPacketBytes: 2_000 });
  const other = await door.client();
  const client = await door.client();
  client.mqtt.publish('big', Buffer.alloc(2_000));
  await client.closed;
  expect(door.door.stats.closed).toEqual({ 'payload.too-large': 1 });
  await other.mqtt.publishAsync('still', 'here', { qos: 1 });
});

test('what is not offered is refused in the words of the protocol', async () => {
  await using door = await realDoor(nats.url);
  const answers = [
    [packet(0x10, [0, 4], Buffer.from('MQTT'), [9, 2, 0, 0, 0, 1, 99]), '20020001'],
    [packet(0x10, [0, 4], Buffer.from('HTTP'), [4, 2, 0, 0, 0, 1, 99]), ''],
    [connect({ clientId: '', clean: false }), '20020002'],
  ] as const;
  for (const [bytes, answer] of answers) {
    const raw = await door.socket();
    raw.send(bytes, PINGREQ, publish());
    await raw.closed;
    expect(raw.received()).toBe(answer);
  }
  expect(door.door.stats.refused).toBe(2);
});

test('[MQTT3-3.1.3-6] an assigned id is nobody else’s', async () => {
  await using door = await realDoor(nats.url);
  const [a, b] = [
    await door.client({ clientId: '', clean: true }),
    await door.client({ clientId: '', clean: true }),
  ];
  await a.mqtt.subscribeAsync('x');
  await b.mqtt.publishAsync('x', '1', { qos: 1 });
  await arrived(a.seen, 1);
  expect(door.door.stats.sessions).toBe(2);
});

test('many packets in one write, and one packet in many', async () => {
  await using door = await realDoor(nats.url);
  const raw = await door.socket();
  raw.send(
    connect({ clientId: 'raw' }),
    subscribe(1, [{ filter: 'm', qos: 1 }]),
    publish({ topic: 'm', qos: 1, packetId: 5 }),
    PINGREQ,
  );
  const answer = (count: number) =>
    waitFor(() => raw.received().length / 2 >= count, { message: () => raw.received() });
  await answer(4 + 5 + 4 + 2 + 7);
  expect(raw.received().slice(0, 18)).toBe('200200009003000101');
  const bytes = publish({ topic: 'm', qos: 1, packetId: 6, payload: 'slow' });
  for (const byte of bytes) {
    raw.socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await answer(22 + 4 + 11);
  expect(raw.received()).toContain('40020006');
});

test.runIf(publisher && subscriber).each([0, 1, 2] as const)(
  'mosquitto_pub to mosquitto_sub at QoS %i',
  async (qos) => {
    await using here = await realDoor(nats.url);
    await using there = await realDoor(nats.url);
    const at = (port: number) => ['-h', '127.0.0.1', '-p', String(port)];
    await using sub = await startProcess({
      command: subscriber!.command,
      args: [...at(there.port), '-q', String(qos), '-t', 'mq/#', '-F', '%t %p q%q', '-C', '100'],
      ready: () => there.door.stats.subscribes === 1,
    });
    await using pub = await startProcess({
      command: publisher!.command,
      args: [...at(here.port), '-q', String(qos), '-t', 'mq/a', '-l'],
    });
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`);
    pub.write(`${lines.join('\n')}\n`);
    pub.closeInput();
    expect(await pub.exited).toEqual({ code: 0, signal: null });
    expect(await sub.exited).toEqual({ code: 0, signal: null });
    expect(sub.stdout()).toBe(lines.map((line) => `mq/a ${line} q${qos}\n`).join(''));
  },
);

test.runIf(publisher && subscriber)(
  'mosquitto_pub to mosquitto_sub with MQTT 5: properties arrive',
  async () => {
    await using here = await realDoor(nats.url);
    await using there = await realDoor(nats.url);
    const at = (port: number) => ['-V', '5', '-h', '127.0.0.1', '-p', String(port), '-q', '2', '-t', 'mq5'];
    await using sub = await startProcess({
      command: subscriber!.command,
      args: [...at(there.port), '-F', '%p %C %R %P', '-C', '1'],
      ready: () => there.door.stats.subscribes === 1,
    });
    const properties = [
      ['content-type', 'a/b'],
      ['response-topic', 'r'],
    ].flatMap((pair) => ['-D', 'publish', ...pair]);
    await using pub = await startProcess({
      command: publisher!.command,
      args: [...at(here.port), '-m', 'x', ...properties, '-D', 'publish', 'user-property', 'k', 'v'],
    });
    expect(await pub.exited).toEqual({ code: 0, signal: null });
    expect(await sub.exited).toEqual({ code: 0, signal: null });
    expect(sub.stdout().trim()).toBe('x a/b r k:v');
  },
);
