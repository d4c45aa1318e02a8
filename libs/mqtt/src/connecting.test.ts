import { describe, expect, test } from 'vitest';
import { connect, disconnect, PINGREQ, publish, subscribe } from './testing/client-packets.ts';
import { doorUnderTest, turn } from './testing/door-under-test.ts';

const CONNACK = '20020000';
const PINGRESP = 'd000';

describe('CONNECT', () => {
  test('writes the record, answers, and tells the hub who came and went', async () => {
    const { bus, client, door } = doorUnderTest();
    const transport = await client({ clientId: 'a b' });
    const record = JSON.parse(Buffer.from(bus.records.get('a%20b')!.value).toString()) as object;
    expect(record).toMatchObject({ v: 1, door: 'door1', clean: true, principal: 'anonymous' });
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

  test('[MQTT3-3.1.4-5] packets pipelined behind it are served after CONNACK, in order', async () => {
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

  test('[MQTT3-3.1.0-1] another first packet closes without an answer', async () => {
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

  test('[MQTT3-3.1.4-2] the same client id again closes the older connection, and the newer one keeps the record', async () => {
    const { client, bus, door } = doorUnderTest();
    const first = await client({ clientId: 'x' });
    const second = await client({ clientId: 'x' });
    await turn();
    expect([first.ended, second.ended]).toEqual([true, false]);
    expect(JSON.parse(Buffer.from(bus.records.get('x')!.value).toString())).toMatchObject({
      connection: 'door1-2',
    });
    expect(bus.events.map(({ subject }) => subject.split('.')[2])).toEqual([
      'connected',
      'disconnected',
      'connected',
    ]);
    expect(door.stats).toMatchObject({ takeovers: 1, sessions: 1 });
    expect(bus.requests).toEqual([]);
  });

  test('[MQTT3-3.1.4-2] forty at once with one client id leave one', async () => {
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

  test('a client that has closed its side and sent nothing but CONNECT takes nothing over', async () => {
    const { client, accept, door } = doorUnderTest();
    const alive = await client({ clientId: 'x' });
    const late = accept();
    void late.send(connect({ clientId: 'x' }));
    late.sink.onEnd();
    await turn();
    expect([late.taken(), late.ended, alive.ended, door.stats.takeovers]).toEqual(['', true, false, 0]);
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
