import { describe, expect, test } from 'vitest';
import { packet, PINGREQ, publish } from './testing/client-packets.ts';
import { doorUnderTest, turn } from './testing/door-under-test.ts';

const PINGRESP = 'd000';

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

  test('[MQTT3-4.3.2-2] PUBACK only when the message is stored, and [MQTT3-4.6.0-2] in the order of the PUBLISHes', async () => {
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

  test.each([
    ['[MQTT3-3.3.2-2] a wildcard', 'a/+', 'protocol.malformed'],
    ['[MQTT3-4.7.3-1] an empty topic', '', 'protocol.malformed'],
    ['[MQTT3-1.5.3-2] U+0000', 'a\0', 'protocol.malformed'],
    ['too many levels', '1/2/3/4/5', 'topic.too-deep'],
    ['too many bytes', 'x'.repeat(101), 'topic.too-long'],
  ])('%s closes the connection before anything is published', async (_name, topic, reason) => {
    const { client, bus, door } = doorUnderTest({ maxTopicLevels: 4, maxTopicBytes: 100 });
    const transport = await client();
    await transport.send(publish({ topic: 'good' }), publish({ topic }), publish({ topic: 'after' }));
    expect(door.stats.closed).toEqual({ [reason]: 1 });
    expect(bus.live).toHaveLength(1);
  });

  test('[MQTT3-3.3.2-1] a topic that is not UTF-8 closes the connection', async () => {
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

  test('[MQTT3-3.1.2-24] silence does not count while the door does not read', async () => {
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

  test('who sends much at once is not read until it was served, after the others', async () => {
    const { client, bus } = doorUnderTest();
    const flood = await client({ clientId: 'flood' });
    const other = await client({ clientId: 'other' });
    void flood.send(publish({ payload: Buffer.alloc(60_000) }));
    expect(flood.paused).toBe(true);
    void other.send(publish({ payload: 'small' }));
    void flood.send(publish({ payload: 'after' }));
    await turn();
    expect(bus.live.map(({ payload }) => payload.length)).toEqual([5, 60_000, 5]);
    expect(flood.paused).toBe(false);
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
