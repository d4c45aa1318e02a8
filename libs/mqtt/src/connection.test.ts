import { TriviumError } from '@trivium/contracts';
import { describe, expect, test } from 'vitest';
import {
  acknowledge,
  connect,
  disconnect,
  packet,
  PINGREQ,
  publish,
  subscribe,
  unsubscribe,
} from './testing/client-packets.ts';
import { doorUnderTest, turn } from './testing/door-under-test.ts';
import { delivered } from './testing/fake-delivery.ts';

const CONNACK = '20020000';
const PINGRESP = 'd000';

describe('CONNECT', () => {
  test('writes the record, answers, and tells the hub who came and went', async () => {
    const { bus, client, door } = doorUnderTest();
    const transport = await client({ clientId: 'a b' });
    const record = JSON.parse(Buffer.from(bus.records.get('a%20b')!.value).toString()) as object;
    expect(record).toMatchObject({ v: 1, door: 'door1', epoch: 1 });
    expect(door.stats).toMatchObject({ connections: 1, sessions: 1, accepted: 1 });

    await transport.send(disconnect());
    transport.sink.onClose();
    await turn();
    expect(bus.records.size).toBe(0);
    expect(door.stats).toMatchObject({ connections: 0, sessions: 0, closed: { 'client.disconnected': 1 } });
    const common = {
      v: 1,
      client: 'a b',
      door: 'door1',
      service: 'test',
      protocol: 'mqtt3.1.1',
      address: '127.0.0.9',
    };
    expect(bus.events.map(({ subject }) => subject)).toEqual([
      'tv1.e.connected.a%20b',
      'tv1.e.disconnected.a%20b',
    ]);
    expect(JSON.parse(bus.events[0]!.payload)).toMatchObject(common);
    expect(JSON.parse(bus.events[1]!.payload)).toMatchObject({ ...common, reason: 'client.disconnected' });
  });

  test('[MQTT-3.1.4-5] packets pipelined behind it are served after CONNACK, in order', async () => {
    const { accept, bus } = doorUnderTest();
    const transport = accept();
    const subscribes = Array.from({ length: 60 }, (_, i) => subscribe(i + 1, [{ filter: `f/${i}`, qos: 0 }]));
    await transport.send(
      connect(),
      publish({ topic: 'a', payload: '1' }),
      ...subscribes,
      PINGREQ,
      publish({ topic: 'b' }),
    );
    await turn();
    const subacks = subscribes.map((_, i) => `9003${(i + 1).toString(16).padStart(4, '0')}00`).join('');
    expect(transport.taken()).toBe(CONNACK + subacks + PINGRESP);
    expect(bus.live.map(({ subject }) => subject)).toEqual(['tv1.m.0.c.a', 'tv1.m.0.c.b']);
  });

  test('what came with DISCONNECT and the end of the stream is still served', async () => {
    const { accept, bus } = doorUnderTest();
    const transport = accept();
    void transport.send(connect(), publish({ topic: 'a', payload: 'last words' }), disconnect());
    transport.sink.onEnd();
    await turn();
    expect(bus.live).toMatchObject([{ payload: 'last words' }]);
    expect([transport.taken(), transport.ended]).toEqual([CONNACK, true]);
  });

  test('[MQTT-3.1.0-1] another first packet closes without an answer', async () => {
    const { accept, door } = doorUnderTest();
    const transport = accept();
    await transport.send(PINGREQ, connect());
    await turn();
    expect([transport.taken(), transport.ended]).toEqual(['', true]);
    expect(door.stats.closed).toEqual({ 'protocol.error': 1 });
  });

  test('a client that sends none in time is closed, one that dribbles too', async () => {
    const { accept, clock } = doorUnderTest({ connectTimeoutMs: 2_000 });
    const silent = accept();
    const slow = accept();
    for (let i = 0; i < 3; i++) {
      await slow.send(connect().subarray(i, i + 1));
      clock.pass(500);
    }
    expect([silent.destroyed, slow.destroyed]).toEqual([false, false]);
    clock.pass(1_500);
    expect([silent.destroyed, slow.destroyed]).toEqual([true, true]);
  });

  test('[MQTT-3.1.4-2] the same client id again closes the older connection, and the newer one keeps the record', async () => {
    const { client, bus, door } = doorUnderTest();
    const first = await client({ clientId: 'x' });
    const second = await client({ clientId: 'x' });
    await turn();
    expect([first.ended, second.ended]).toEqual([true, false]);
    expect(JSON.parse(Buffer.from(bus.records.get('x')!.value).toString())).toMatchObject({ epoch: 2 });
    expect(bus.events.map(({ subject }) => subject.split('.')[2])).toEqual([
      'connected',
      'disconnected',
      'connected',
    ]);
    expect(door.stats).toMatchObject({ takeovers: 1, sessions: 1 });
    expect(bus.requests).toEqual([]);
  });

  test('[MQTT-3.1.4-2] forty at once with one client id leave one', async () => {
    const { accept, door, bus } = doorUnderTest();
    const transports = Array.from({ length: 40 }, () => accept());
    for (const transport of transports) void transport.send(connect({ clientId: 'x' }));
    for (let i = 0; i < 5; i++) await turn();
    expect(transports.map(({ ended }) => ended)).toEqual([...Array<boolean>(39).fill(true), false]);
    expect(transports[39]!.taken()).toBe(CONNACK);
    expect(door.stats.sessions).toBe(1);
    expect(bus.records.size).toBe(1);
  });

  test('without the bus it is refused with 0x03', async () => {
    const { accept, bus } = doorUnderTest();
    bus.up = false;
    const transport = accept();
    await transport.send(connect());
    await turn();
    expect([transport.taken(), transport.ended]).toEqual(['20020003', true]);
  });

  test('what came just before the connection broke is still served', async () => {
    const { client, bus } = doorUnderTest();
    const transport = await client();
    void transport.send(publish({ payload: 'last words' }));
    transport.sink.onClose();
    expect(bus.live).toMatchObject([{ payload: 'last words' }]);
  });

  test('a client that is gone before CONNACK leaves nothing', async () => {
    const { accept, bus, door } = doorUnderTest();
    const transport = accept();
    void transport.send(connect());
    transport.sink.onClose();
    await turn();
    expect([bus.records.size, bus.events.length, door.connections]).toEqual([0, 0, 0]);
    expect(door.stats.sessions).toBe(0);
  });
});

describe('PUBLISH', () => {
  test('QoS 0 goes to the bus as it is', async () => {
    const { client, bus } = doorUnderTest();
    const transport = await client({ clientId: 'dev.1' });
    await transport.send(
      publish({ topic: 'a//b', payload: 'x' }),
      publish({ topic: 'a//b', payload: 'y' }),
      publish({ topic: 'ü' }),
    );
    expect(bus.live).toEqual([
      { subject: 'tv1.m.0.dev%2E1.a.%.b', payload: 'x', headers: undefined },
      { subject: 'tv1.m.0.dev%2E1.a.%.b', payload: 'y', headers: undefined },
      { subject: 'tv1.m.0.dev%2E1.ü', payload: '', headers: undefined },
    ]);
  });

  test('a client whose id was assigned is named in a header', async () => {
    const { client, bus } = doorUnderTest();
    const transport = await client({ clientId: '' });
    await transport.send(publish());
    expect(bus.live[0]).toMatchObject({
      subject: 'tv1.m.0.-.t',
      headers: expect.stringMatching(/^NATS\/1.0\r\nTv-Cl: auto-/) as string,
    });
  });

  test('[MQTT-4.3.2-2] PUBACK only when the message is stored, and [MQTT-4.6.0-2] in the order of the PUBLISHes', async () => {
    const { client, bus, door } = doorUnderTest();
    const transport = await client();
    await transport.send(
      ...[7, 8, 9].map((packetId) => publish({ qos: 1, packetId, topic: `t/${packetId}` })),
    );
    await turn();
    expect(transport.taken()).toBe('');
    expect(door.stats.openPublishes).toBe(3);
    const [first, second, third] = bus.durable;
    expect(first).toMatchObject({ subject: 'tv1.m.1.c.t.7' });
    second!.store();
    third!.store();
    await turn();
    expect(transport.taken()).toBe('');
    first!.store();
    await turn();
    expect(transport.taken()).toBe('400200074002000840020009');
    expect(door.stats.openPublishes).toBe(0);
  });

  test('what is not offered closes the connection: QoS 2, retain', async () => {
    const { client, bus, door } = doorUnderTest();
    const exactly = await client({ clientId: 'a' });
    await exactly.send(publish({ qos: 2 }));
    const retained = await client({ clientId: 'b' });
    await retained.send(publish({ retain: true }));
    expect([exactly.ended, retained.ended]).toEqual([true, true]);
    expect(door.stats.closed).toEqual({ 'qos.unsupported': 1, 'retain.unsupported': 1 });
    expect([bus.live, bus.durable]).toEqual([[], []]);
  });

  test.each([
    ['[MQTT-3.3.2-2] a wildcard', 'a/+', 'protocol.malformed'],
    ['[MQTT-4.7.3-1] an empty topic', '', 'protocol.malformed'],
    ['[MQTT-1.5.3-2] U+0000', 'a\0', 'protocol.malformed'],
    ['too many levels', '1/2/3/4/5', 'topic.too-deep'],
    ['too many bytes', 'x'.repeat(101), 'topic.too-long'],
  ])('%s closes the connection before anything is published', async (_name, topic, reason) => {
    const { client, bus, door } = doorUnderTest({ maxTopicLevels: 4, maxTopicBytes: 100 });
    const transport = await client();
    await transport.send(publish({ topic: 'good' }), publish({ topic }), publish({ topic: 'after' }));
    expect(door.stats.closed).toEqual({ [reason]: 1 });
    expect(bus.live).toHaveLength(1);
  });

  test('[MQTT-3.3.2-1] a topic that is not UTF-8 closes the connection', async () => {
    const { client, door } = doorUnderTest();
    const transport = await client();
    await transport.send(packet(0x30, [0, 2, 0xc3, 0x28]));
    expect(door.stats.closed).toEqual({ 'protocol.malformed': 1 });
  });

  test('the socket is not read while too many messages wait, and again when half are stored', async () => {
    const { client, bus } = doorUnderTest({ maxOpenPublishes: 4 });
    const transport = await client();
    const messages = Array.from({ length: 6 }, (_, i) => publish({ qos: 1, packetId: i + 1 }));
    await transport.send(...messages);
    expect([bus.durable.length, transport.paused]).toEqual([4, false]);
    await transport.send(PINGREQ);
    expect(transport.paused).toBe(true);
    bus.durable[0]!.store();
    expect(bus.durable).toHaveLength(3);
    bus.durable[0]!.store();
    expect(bus.durable).toHaveLength(4);
    bus.storeAll();
    await turn();
    expect(transport.paused).toBe(false);
    const pubacks = messages.map((_, i) => `4002000${i + 1}`);
    expect(transport.taken()).toBe(pubacks.slice(0, 4).join('') + PINGRESP + pubacks.slice(4).join(''));
  });

  test('the same bound in bytes counts what a waiting message keeps in memory', async () => {
    const { client, bus } = doorUnderTest({ maxOpenBytes: 70_000 });
    const transport = await client();
    await transport.send(publish({ qos: 1, payload: Buffer.alloc(40_000) }));
    await transport.send(publish({ qos: 1, packetId: 2, payload: Buffer.alloc(40_000) }));
    await transport.send(publish({ qos: 1, packetId: 3 }));
    expect([bus.durable.length, transport.paused]).toEqual([2, true]);
    bus.durable[0]!.store();
    expect([bus.durable.length, transport.paused]).toEqual([1, true]);
    bus.durable[0]!.store();
    expect([bus.durable.length, transport.paused]).toEqual([1, false]);
  });

  test('[MQTT-3.1.2-24] silence does not count while the door does not read', async () => {
    const { client, bus, clock } = doorUnderTest({ maxOpenPublishes: 1 });
    const transport = await client({ keepAliveSeconds: 1 });
    await transport.send(publish({ qos: 1 }));
    clock.pass(60_000);
    expect(transport.ended).toBe(false);
    bus.storeAll();
    clock.pass(1_400);
    expect(transport.ended).toBe(false);
    clock.pass(1_200);
    expect(transport.ended).toBe(true);
  });

  test('what the bus could not take goes again, in order, when it is back; nothing is acknowledged meanwhile', async () => {
    const { client, bus, door } = doorUnderTest();
    const transport = await client();
    await transport.send(
      publish({ qos: 1, packetId: 1, payload: 'one' }),
      publish({ qos: 1, packetId: 2, payload: 'two' }),
    );
    bus.durable[0]!.store();
    bus.setUp(false);
    bus.durable[0]!.fail('bus.unavailable');
    await transport.send(publish({ qos: 1, packetId: 3, payload: 'three' }), publish({ payload: 'gone' }));
    await turn();
    expect([transport.taken(), transport.paused]).toEqual(['40020001', true]);
    bus.setUp(true);
    expect(bus.durable.map(({ payload }) => payload)).toEqual(['two']);
    bus.storeAll();
    bus.storeAll();
    await turn();
    expect(transport.taken()).toBe('4002000240020003');
    expect(door.stats).toMatchObject({ retriedPublishes: 1, openPublishes: 0, publishedQos0: 1 });
    expect(transport.paused).toBe(false);
  });

  test('a bus that is full is asked again as soon as it has stored something', async () => {
    const { client, bus } = doorUnderTest();
    const [busy, unlucky] = [await client({ clientId: 'a' }), await client({ clientId: 'b' })];
    await busy.send(publish({ qos: 1, packetId: 1 }));
    await unlucky.send(publish({ qos: 1, packetId: 2, payload: 'late' }));
    bus.durable[1]!.fail('bus.overloaded');
    expect(bus.durable).toHaveLength(1);
    bus.durable[0]!.store();
    await turn();
    expect(bus.durable).toMatchObject([{ payload: 'late' }]);
    bus.storeAll();
    await turn();
    expect(unlucky.taken()).toBe('40020002');
  });

  test('a message that the bus refuses for good closes the connection, unacknowledged', async () => {
    const { client, bus, door } = doorUnderTest();
    const transport = await client();
    await transport.send(publish({ qos: 1 }));
    bus.durable[0]!.fail('bus.refused');
    await turn();
    expect([transport.taken(), transport.ended]).toEqual(['', true]);
    expect(door.stats).toMatchObject({ closed: { 'bus.refused': 1 }, openPublishes: 0 });
  });

  test('QoS 0 without the bus is dropped and counted', async () => {
    const { client, bus, door } = doorUnderTest();
    const transport = await client();
    bus.setUp(false);
    await transport.send(publish());
    expect(door.stats).toMatchObject({ publishedQos0: 1, droppedIn: 1 });
  });

  test('a flood of one turn is served as it comes, and what follows it too', async () => {
    const { client, bus } = doorUnderTest();
    const transport = await client();
    const chunk = publish({ payload: Buffer.alloc(400_000) });
    for (let i = 0; i < 3; i++) void transport.send(chunk);
    expect(bus.live).toHaveLength(3);
    void transport.send(publish({ payload: 'after' }));
    expect(bus.live).toHaveLength(3);
    await turn();
    expect(bus.live[3]).toMatchObject({ payload: 'after' });
  });

  test('a publisher is not read while the bus is pressed', async () => {
    const { client, bus } = doorUnderTest();
    const transport = await client();
    bus.setPressed(true);
    await transport.send(publish(), publish());
    await transport.send(publish());
    expect([bus.live.length, transport.paused]).toEqual([1, true]);
    bus.setPressed(false);
    expect([bus.live.length, transport.paused]).toEqual([3, false]);
  });
});

describe('SUBSCRIBE', () => {
  test('later packets wait until it is active [MQTT-3.8.4-1]', async () => {
    const { client, delivery } = doorUnderTest();
    const transport = await client();
    delivery.slow = true;
    await transport.send(subscribe(1, [{ filter: 'a', qos: 1 }]), PINGREQ);
    await turn();
    expect(transport.taken()).toBe('');
    delivery.attachments[0]!.pending[0]!.resolve();
    await turn();
    expect(transport.taken()).toBe(`9003000101${PINGRESP}`);
  });

  test('one that fails closes the connection; one that ends after the client is gone does nothing', async () => {
    const { client, delivery, door } = doorUnderTest();
    delivery.slow = true;
    const transport = await client({ clientId: 'a' });
    await transport.send(subscribe(1, [{ filter: 'a', qos: 1 }]));
    delivery.attachments[0]!.pending[0]!.reject(new TriviumError('bus.unavailable'));
    await turn();
    expect([transport.taken(), transport.ended]).toEqual(['', true]);
    const gone = await client({ clientId: 'b' });
    await gone.send(subscribe(1, [{ filter: 'a', qos: 1 }]));
    gone.sink.onClose();
    delivery.attachments[1]!.pending[0]!.resolve();
    await turn();
    expect(gone.taken()).toBe('');
    expect(delivery.attachments.map(({ detached }) => detached)).toEqual([true, true]);
    expect(door.stats.closed).toEqual({ 'bus.unavailable': 1, 'client.gone': 1 });
  });

  test('[MQTT-3.10.4-2] UNSUBSCRIBE is done before it is answered', async () => {
    const { client, delivery } = doorUnderTest();
    const transport = await client();
    await transport.send(subscribe(1, [{ filter: 'a', qos: 1 }]));
    await turn();
    await transport.send(unsubscribe(2, ['a', 'b']));
    expect(delivery.attachments[0]!.subscriptions.size).toBe(0);
    await turn();
    expect(transport.taken()).toBe('9003000101b0020002');
  });
});

describe('delivery', () => {
  async function subscriber(settings = {}) {
    const made = doorUnderTest(settings);
    const transport = await made.client();
    await transport.send(subscribe(1, [{ filter: '#', qos: 1 }]));
    await turn();
    transport.taken();
    const attachment = made.delivery.attachments[0]!;
    const sub = attachment.subscriptions.values().next().value!;
    return { ...made, transport, attachment, receiver: attachment.receiver, sub };
  }

  test('[MQTT-3.3.1-9] [MQTT-4.3.1-1] QoS 0: retain 0, no packet id; one write for a turn', async () => {
    const { receiver, transport, sub } = await subscriber();
    receiver.onLive(delivered({ topic: 'a/b', payload: 'hi', retain: true }), sub);
    receiver.onLive(delivered({ topic: 'c', payload: '!' }), sub);
    await turn();
    expect(transport.writes).toHaveLength(1);
    expect(transport.taken()).toBe(
      publish({ topic: 'a/b', payload: 'hi' }).toString('hex') +
        publish({ topic: 'c', payload: '!' }).toString('hex'),
    );
  });

  test('[MQTT-4.3.2-1] [MQTT-3.3.1-2] QoS 1: an unused packet id, DUP 0', async () => {
    const { receiver, transport, sub, door } = await subscriber();
    for (const pos of [5, 6])
      expect(receiver.onDurable(delivered({ qos: 1, pos, payload: `${pos}` }), sub)).toBe(true);
    await turn();
    const expected = [1, 2].map((packetId) =>
      publish({ qos: 1, packetId, payload: `${packetId + 4}` }).toString('hex'),
    );
    expect(transport.taken()).toBe(expected.join(''));
    expect(door.stats).toMatchObject({ deliveredQos1: 2 });
  });

  test('[MQTT-3.8.4-6] never above the granted QoS, nor above the publisher’s', async () => {
    const { receiver, transport, sub } = await subscriber();
    receiver.onDurable(delivered({ qos: 1, pos: 1 }), { ...sub, qos: 0 });
    receiver.onDurable(delivered({ qos: 0, pos: 2 }), sub);
    receiver.onDurable(delivered({ qos: 2, pos: 3 }), sub);
    await turn();
    const qos0 = publish().toString('hex');
    expect(transport.taken()).toBe(qos0 + qos0 + publish({ qos: 1 }).toString('hex'));
  });

  test('a full window says no, and half of it free asks for more', async () => {
    const { receiver, transport, sub, attachment } = await subscriber({ maxInflight: 4 });
    const offer = (pos: number) => receiver.onDurable(delivered({ qos: 1, pos }), sub);
    expect([1, 2, 3, 4, 5].map(offer)).toEqual([true, true, true, true, false]);
    await transport.send(acknowledge('puback', 1), acknowledge('puback', 1), acknowledge('puback', 99));
    expect(attachment.resumed).toBe(0);
    await transport.send(acknowledge('puback', 2));
    expect(attachment.resumed).toBe(1);
    expect([5, 6, 7].map(offer)).toEqual([true, true, false]);
  });

  test('[MQTT-2.3.1-1] PUBACK with packet id 0 closes the connection', async () => {
    const { transport, door } = await subscriber();
    await transport.send(packet(0x40, [0, 0]));
    expect(door.stats.closed).toEqual({ 'protocol.malformed': 1 });
  });

  test('a client that does not read: QoS 0 is dropped, durable says no, and both go on when it has read', async () => {
    const { receiver, transport, sub, attachment, door } = await subscriber({ maxOutputBytes: 65_536 });
    const big = 'x'.repeat(30_000);
    transport.stuck = true;
    for (let i = 0; i < 4; i++) receiver.onLive(delivered({ payload: big }), sub);
    await turn();
    expect(door.stats).toMatchObject({ deliveredQos0: 3, droppedOut: 1 });
    expect(receiver.onDurable(delivered({ qos: 1, pos: 1 }), sub)).toBe(false);
    transport.drain();
    expect(attachment.resumed).toBe(1);
    receiver.onLive(delivered({ payload: 'more' }), sub);
    await turn();
    expect(transport.taken().length / 2).toBe(
      3 * publish({ payload: big }).length + publish({ payload: 'more' }).length,
    );
  });

  test('one message to many clients is encoded once', async () => {
    const { client, delivery } = doorUnderTest();
    const transports = await Promise.all(Array.from({ length: 5 }, (_, i) => client({ clientId: `s${i}` })));
    for (const transport of transports) await transport.send(subscribe(1, [{ filter: '#', qos: 1 }]));
    await turn();
    for (const transport of transports) transport.taken();
    const message = delivered({ payload: 'once' });
    const durable = delivered({ payload: 'twice', qos: 1, pos: 3 });
    for (const { receiver, subscriptions } of delivery.attachments) {
      const sub = subscriptions.values().next().value!;
      receiver.onLive(message, sub);
      receiver.onDurable(durable, sub);
    }
    await turn();
    const expected =
      publish({ payload: 'once' }).toString('hex') + publish({ payload: 'twice', qos: 1 }).toString('hex');
    expect(transports.map((transport) => transport.taken())).toEqual(Array<string>(5).fill(expected));
  });
});

describe('the end', () => {
  test('[MQTT-3.1.2-24] a silent client is closed after one and a half times its keep alive, a heard one is not', async () => {
    const { client, clock, door } = doorUnderTest();
    const [silent, alive, never] = [
      await client({ clientId: 'a', keepAliveSeconds: 10 }),
      await client({ clientId: 'b', keepAliveSeconds: 10 }),
      await client({ clientId: 'c', keepAliveSeconds: 0 }),
    ];
    clock.pass(14_900);
    await alive.send(PINGREQ);
    expect(silent.ended).toBe(false);
    clock.pass(1_200);
    expect([silent.ended, alive.ended]).toEqual([true, false]);
    expect(door.stats.closed).toEqual({ 'keepalive.timeout': 1 });
    clock.pass(86_400_000);
    expect(never.ended).toBe(false);
  });

  test('[MQTT-4.8.0-1] [MQTT-4.8.0-2] a malformed packet closes the connection; what came before it was served, nothing after', async () => {
    const { client, bus, door, logger } = doorUnderTest();
    const transport = await client();
    await transport.send(publish({ topic: 'a' }), Buffer.from([0xc1, 0x00]), publish({ topic: 'b' }));
    await transport.send(publish({ topic: 'c' }));
    expect(bus.live).toHaveLength(1);
    expect(transport.ended).toBe(true);
    expect(door.stats.closed).toEqual({ 'protocol.malformed': 1 });
    expect(logger.info).toHaveBeenCalledWith(
      expect.objectContaining({ client: 'c', code: 'protocol.malformed' }),
      expect.any(String),
    );
  });

  test('happens once, whatever else comes', async () => {
    const { client, bus, door } = doorUnderTest();
    const transport = await client();
    await transport.send(subscribe(1, [{ filter: 'a', qos: 1 }]), publish({ qos: 1 }));
    await turn();
    await transport.send(disconnect(), disconnect(), connect());
    transport.sink.onEnd();
    transport.sink.onDrain();
    bus.storeAll();
    transport.sink.onClose();
    await turn();
    expect(bus.events).toHaveLength(2);
    expect(door.stats).toMatchObject({
      connections: 0,
      sessions: 0,
      openPublishes: 0,
      closed: { 'client.disconnected': 1 },
    });
    expect(transport.taken()).toBe('9003000101');
  });

  test('a client that does not close its side is cut off', async () => {
    const { client, clock } = doorUnderTest();
    const transport = await client();
    await transport.send(disconnect());
    expect([transport.ended, transport.destroyed]).toEqual([true, false]);
    clock.pass(3_000);
    expect(transport.destroyed).toBe(true);
  });

  test('a client that closes its side after a QoS 1 message still gets its PUBACK', async () => {
    const { client, bus, clock } = doorUnderTest();
    const transport = await client();
    await transport.send(publish({ qos: 1 }));
    transport.sink.onEnd();
    expect(transport.ended).toBe(false);
    bus.storeAll();
    await turn();
    clock.pass(500);
    expect([transport.taken(), transport.ended]).toEqual(['40020001', true]);
  });
});
