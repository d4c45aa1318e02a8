import { describe, expect, test } from 'vitest';
import { connect, disconnect, PINGREQ, publish, subscribe } from './testing/client-packets.ts';
import { doorUnderTest, turn } from './testing/door-under-test.ts';

describe('the end', () => {
  test('[MQTT3-3.1.2-24] a silent client is closed after one and a half times its keep alive, a heard one is not', async () => {
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

  test('[MQTT3-4.8.0-1] [MQTT3-4.8.0-2] a malformed packet closes the connection; what came before it was served, nothing after', async () => {
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
