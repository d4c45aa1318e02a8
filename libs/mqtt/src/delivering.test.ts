import { TriviumError } from '@trivium/contracts';
import { describe, expect, test } from 'vitest';
import { acknowledge, packet, PINGREQ, publish, subscribe, unsubscribe } from './testing/client-packets.ts';
import { doorUnderTest, turn } from './testing/door-under-test.ts';
import { delivered } from './testing/fake-delivery.ts';

const PINGRESP = 'd000';

describe('SUBSCRIBE', () => {
  test('later packets wait until it is active [MQTT3-3.8.4-1]', async () => {
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

  test('[MQTT3-3.10.4-2] UNSUBSCRIBE is done before it is answered', async () => {
    const { client, delivery } = doorUnderTest();
    const transport = await client();
    await transport.send(subscribe(1, [{ filter: 'a', qos: 1 }]));
    await turn();
    await transport.send(unsubscribe(2, ['a', 'b']));
    expect([...delivery.attachments[0]!.subscriptions]).toEqual([]);
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
    const sub = [...attachment.subscriptions][0]!;
    return { ...made, transport, attachment, receiver: attachment.receiver, sub };
  }

  test('[MQTT3-3.3.1-9] [MQTT3-4.3.1-1] QoS 0: retain 0, no packet id; one write for a turn', async () => {
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

  test('[MQTT3-4.3.2-1] [MQTT3-3.3.1-2] QoS 1: an unused packet id, DUP 0', async () => {
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

  test('[MQTT3-3.8.4-6] never above the granted QoS, nor above the publisher’s', async () => {
    const { receiver, transport, sub } = await subscriber();
    receiver.onDurable(delivered({ qos: 1, pos: 1 }), { ...sub, qos: 0 });
    receiver.onDurable(delivered({ qos: 0, pos: 2 }), sub);
    receiver.onDurable(delivered({ qos: 2, pos: 3 }), sub);
    await turn();
    const qos0 = publish().toString('hex');
    expect(transport.taken()).toBe(qos0 + qos0 + publish({ qos: 1 }).toString('hex'));
  });

  test('a full window says no, and asks for more when it is worth while', async () => {
    const { receiver, transport, sub, attachment } = await subscriber({ maxInflight: 4 });
    const offer = (pos: number) => receiver.onDurable(delivered({ qos: 1, pos }), sub);
    expect([1, 2, 3, 4, 5].map(offer)).toEqual([true, true, true, true, false]);
    await transport.send(acknowledge('puback', 99));
    expect(attachment.resumed).toBe(0);
    await transport.send(acknowledge('puback', 1), acknowledge('puback', 1));
    expect(attachment.resumed).toBe(1);
    expect([5, 6].map(offer)).toEqual([true, false]);
  });

  test('[MQTT3-2.3.1-1] PUBACK with packet id 0 closes the connection', async () => {
    const { transport, door } = await subscriber();
    await transport.send(packet(0x40, [0, 0]));
    expect(door.stats.closed).toEqual({ 'protocol.error': 1 });
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
      const sub = [...subscriptions][0]!;
      receiver.onLive(message, sub);
      receiver.onDurable(durable, sub);
    }
    await turn();
    const expected =
      publish({ payload: 'once' }).toString('hex') + publish({ payload: 'twice', qos: 1 }).toString('hex');
    expect(transports.map((transport) => transport.taken())).toEqual(Array<string>(5).fill(expected));
  });
});
