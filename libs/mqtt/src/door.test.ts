import { expect, test, vi } from 'vitest';
import { connect, disconnect, PINGREQ, publish, subscribe } from './testing/client-packets.ts';
import { doorUnderTest, turn } from './testing/door-under-test.ts';
import { delivered } from './testing/fake-delivery.ts';
import type { MessageSpan } from './tracing.ts';

test('more connections than allowed are closed at once', () => {
  const { accept, door } = doorUnderTest({ maxConnections: 2 });
  const [a, b] = [accept(), accept()];
  const refused = vi.fn();
  const transport = {
    open: refused,
    write: refused,
    pause: refused,
    resume: refused,
    end: refused,
    destroy: vi.fn(),
  };
  door.accept(transport, { address: '', kind: 'tcp', loopback: true });
  expect([a.ended, b.ended, door.connections]).toEqual([false, false, 2]);
  expect([refused, transport.destroy].map((fn) => fn.mock.calls.length)).toEqual([0, 1]);
});

test('SUBSCRIBEs that are refused are served as a flood is, after the others, and answered in their order', async () => {
  const { client } = doorUnderTest({ maxTopicLevels: 1 });
  const [transport, other] = [await client({ clientId: 'a' }), await client({ clientId: 'b' })];
  const paused = vi.spyOn(transport, 'pause');
  const refused = (id: number): Buffer => subscribe(id, [{ filter: 'a/b', qos: 0 }]);
  await Promise.all([transport.send(refused(1), refused(2), refused(3), PINGREQ), other.send(PINGREQ)]);
  expect(paused).toHaveBeenCalled();
  await vi.waitFor(() => expect(transport.taken()).toBe('900300018090030002809003000380d000'));
  expect([other.taken(), transport.paused]).toEqual(['d000', false]);
});

test('what a client sent before its connection broke is served, however long that takes', async () => {
  const { client, door } = doorUnderTest({ maxTopicLevels: 1 });
  const transport = await client();
  const refused = (id: number): Buffer => subscribe(id, [{ filter: 'a/b', qos: 0 }]);
  void transport.send(refused(1), refused(2), disconnect());
  transport.sink.onClose();
  expect(door.stats.closed).toEqual({ 'client.disconnected': 1 });
});

test('a client that sends and receives nothing costs no timer and no subscription', async () => {
  const { client, clock, delivery } = doorUnderTest();
  const timers = clock.timers;
  for (let i = 0; i < 20; i++) await client({ clientId: `c${i}`, keepAliveSeconds: 60 });
  expect([clock.timers, delivery.attachments.length]).toEqual([timers, 0]);
});

test('drain: nothing more is read, what was accepted is stored and acknowledged, then all are closed', async () => {
  const { client, door, bus, clock } = doorUnderTest();
  const idle = await client({ clientId: 'idle' });
  const busy = await client({ clientId: 'busy' });
  await busy.send(publish({ qos: 1, packetId: 9 }));
  const drained = door.drain({ signal: new AbortController().signal, graceMs: 1_000 });
  await busy.send(publish({ qos: 1, packetId: 10 }));
  clock.pass(100);
  expect([idle.ended, busy.ended, bus.durable.length]).toEqual([true, false, 1]);
  bus.storeAll();
  await turn();
  expect(busy.taken()).toBe('40020009');
  clock.pass(25);
  expect(busy.ended).toBe(true);
  idle.sink.onClose();
  busy.sink.onClose();
  clock.pass(25);
  await drained;
  expect(door.stats.closed).toEqual({ 'server.draining': 2 });
  expect([door.connections, clock.timers, bus.served.size]).toEqual([0, 0, 0]);
});

test('drain spreads many closes over a part of the grace time', async () => {
  const { client, door, clock } = doorUnderTest();
  const clients = await Promise.all(Array.from({ length: 100 }, (_, i) => client({ clientId: `c${i}` })));
  const closed = () => clients.filter(({ ended }) => ended).length;
  void door.drain({ signal: new AbortController().signal, graceMs: 1_000 });
  const first = closed();
  expect(first).toBeLessThan(50);
  clock.pass(100);
  expect(closed()).toBeGreaterThan(first);
  clock.pass(200);
  expect(closed()).toBe(100);
});

test('drain past its grace time closes at once, also who waits for the bus', async () => {
  const { client, door, clock } = doorUnderTest();
  const busy = await client();
  await busy.send(publish({ qos: 1 }));
  const abort = new AbortController();
  const drained = door.drain({ signal: abort.signal, graceMs: 1_000 });
  clock.pass(500);
  expect(busy.ended).toBe(false);
  abort.abort();
  expect(busy.ended).toBe(true);
  clock.pass(3_000);
  await drained;
  expect(busy.destroyed).toBe(true);
});

test('a drained door takes no more connections', async () => {
  const { accept, door } = doorUnderTest();
  await door.drain({ signal: new AbortController().signal, graceMs: 1_000 });
  expect(() => accept()).toThrow(); // destroyed before it was opened
});

test('tracing: begun at the door, carried in the headers, told again at delivery', async () => {
  const ended: (string | undefined)[] = [];
  const span = (traceparent: string): MessageSpan => ({
    traceparent,
    tracestate: undefined,
    end: (code) => void ended.push(code ?? traceparent),
  });
  const tracing = {
    enabled: true,
    receive: vi.fn(() => span('00-in')),
    deliver: vi.fn(() => span('00-out')),
  };
  const { client, bus, delivery } = doorUnderTest({}, tracing);
  const transport = await client({ clientId: 'c' });
  await transport.send(publish({ topic: 'a' }), publish({ topic: 'b', qos: 1 }));
  expect(tracing.receive.mock.calls).toEqual([
    ['a', 0, 'c', undefined, undefined],
    ['b', 1, 'c', undefined, undefined],
  ]);
  expect(bus.live[0]!.headers).toBe('NATS/1.0\r\ntraceparent: 00-in\r\n\r\n');
  expect(ended).toEqual(['00-in']);
  expect(bus.durable[0]!.headers).toContain('traceparent: 00-in');
  bus.storeAll();
  expect(ended).toEqual(['00-in', '00-in']);

  await transport.send(subscribe(1, [{ filter: '#', qos: 1 }]));
  await turn();
  const { receiver, subscriptions } = delivery.attachments[0]!;
  const sub = [...subscriptions][0]!;
  receiver.onLive(delivered({ topic: 'x' }), sub);
  expect(tracing.deliver).not.toHaveBeenCalled();
  receiver.onLive(delivered({ topic: 'x', properties: { traceparent: '00-in' } }), sub);
  expect(tracing.deliver).toHaveBeenCalledExactlyOnceWith('00-in', 'x', 0, 'c', undefined);
  expect(ended.at(-1)).toBe('00-out');
});

test('a hundred clients that come and go leave nothing behind', async () => {
  const { accept, door, bus, delivery } = doorUnderTest();
  for (let i = 0; i < 100; i++) {
    const transport = accept();
    await transport.send(
      connect({ clientId: `c${i % 7}` }),
      subscribe(1, [{ filter: 'a', qos: 1 }]),
      publish({ qos: 1 }),
    );
    if (i % 3 === 0) await turn();
    transport.sink.onClose();
  }
  bus.storeAll();
  await turn();
  expect(door.stats).toMatchObject({ connections: 0, sessions: 0, openPublishes: 0 });
  expect(bus.records.size).toBe(0);
  expect(delivery.attachments.every(({ detached }) => detached)).toBe(true);
});
