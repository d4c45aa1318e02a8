import type { Publisher, StoreSink } from '@trivium/bus';
import type { ErrorCode } from '@trivium/contracts';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { IncomingPublishes, type Retainable } from './incoming-publishes.ts';

/** A bus that answers when told, out of order if told so, and an owner that notes what it hears. */
function ring() {
  const waiting: { sink: StoreSink; token: number; payload: string }[] = [];
  const publisher = {
    durable(_subject: string, payload: Uint8Array, _headers: unknown, sink: StoreSink, token: number) {
      waiting.push({ sink, token, payload: Buffer.from(payload).toString() });
    },
  } as Partial<Publisher> as Publisher;
  const acknowledged: number[] = [];
  const owner = {
    onStored: (id: number) => void acknowledged.push(id),
    onPostponed: vi.fn<(code: ErrorCode) => void>(),
    onRefused: vi.fn<(code: ErrorCode) => number>(() => 0),
    retain: (message: Retainable, pos: number) =>
      new Promise<void>((resolve) => retaining.push({ tokens: message.tokens, pos, resolve })),
  };
  const retaining: { tokens: string; pos: number; resolve(): void }[] = [];
  const publishes = new IncomingPublishes(publisher, owner);
  const publish = (packetId: number) =>
    publishes.publish(packetId, 's', Buffer.from(String(packetId)), undefined, 10, undefined);
  const answer = (index: number, code?: ErrorCode) => {
    const [one] = waiting.splice(index, 1);
    if (code === undefined) one!.sink.stored(one!.token, 1, false);
    else one!.sink.failed(one!.token, code);
  };
  return { waiting, acknowledged, owner, publishes, publish, answer, retaining };
}

test('[MQTT3-4.6.0-2] [MQTT-4.6.0-2] acknowledgements keep the order of the publishes, whatever the order of the answers, failures and retries', () => {
  const steps = fc.array(
    fc.record({ do: fc.constantFrom('publish', 'store', 'fail', 'retry'), at: fc.nat(1_000) }),
    { maxLength: 400 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const { waiting, acknowledged, publishes, publish, answer } = ring();
      let id = 0;
      for (const { do: what, at } of all) {
        if (what === 'publish') publish(++id);
        else if (what === 'retry') publishes.retry();
        else if (waiting.length > 0)
          answer(at % waiting.length, what === 'store' ? undefined : 'bus.timeout');
        expect(publishes.open).toBe(id - acknowledged.length);
        expect(publishes.bytes).toBe(10 * publishes.open);
      }
      publishes.retry();
      while (waiting.length > 0) answer(waiting.length - 1);
      expect(acknowledged).toEqual(Array.from({ length: id }, (_, i) => i + 1));
      expect([publishes.open, publishes.bytes, publishes.postponed]).toEqual([0, 0, 0]);
    }),
  );
});

test('what waits for a retry is not overtaken by what comes later', () => {
  const { waiting, publishes, publish, answer } = ring();
  publish(1);
  publish(2);
  answer(0, 'bus.unavailable');
  answer(0, 'bus.unavailable');
  publish(3);
  expect([waiting, publishes.postponed]).toEqual([[], 3]);
  expect(publishes.retry()).toBe(3);
  expect(waiting.map(({ payload }) => payload)).toEqual(['1', '2', '3']);
});

test('bytes are let go as soon as a message is stored, in memory only the order remains', () => {
  const { publishes, publish, answer } = ring();
  for (let id = 1; id <= 40; id++) publish(id);
  for (let i = 0; i < 39; i++) answer(1);
  expect(publishes.open).toBe(40);
  answer(0);
  expect([publishes.open, publishes.bytes]).toEqual([0, 0]);
});

test('what the bus refuses is told as refused, and never acknowledged', () => {
  const { acknowledged, owner, publish, answer } = ring();
  publish(1);
  publish(2);
  answer(0, 'bus.refused');
  answer(0);
  expect(owner.onRefused).toHaveBeenCalledWith('bus.refused');
  expect(owner.onPostponed).not.toHaveBeenCalled();
  expect(acknowledged).toEqual([]);
});

test('after abandon nothing is told, and spans are ended', () => {
  const { waiting, acknowledged, owner, publishes, answer } = ring();
  const span = { traceparent: '', tracestate: undefined, end: vi.fn() };
  publishes.publish(1, 's', Buffer.alloc(1), undefined, 1, span);
  publishes.abandon();
  expect(span.end).toHaveBeenCalledTimes(1);
  waiting.push({ ...waiting[0]! });
  answer(0);
  answer(0, 'bus.refused');
  expect([acknowledged, owner.onRefused.mock.calls]).toEqual([[], []]);
});

test('a span ends when its message is stored', () => {
  const { publishes, answer } = ring();
  const span = { traceparent: '', tracestate: undefined, end: vi.fn() };
  publishes.publish(1, 's', Buffer.alloc(1), undefined, 1, span);
  expect(span.end).not.toHaveBeenCalled();
  answer(0);
  expect(span.end).toHaveBeenCalledExactlyOnceWith(undefined);
});

test('a message to be retained is acknowledged when it is, and those after it wait', async () => {
  const { publishes, publish, answer, acknowledged, retaining } = ring();
  const retainable = { tokens: 'r', payload: new Uint8Array(0), qos: 1 } as const;
  publishes.publish(1, 's', Buffer.alloc(0), undefined, 10, undefined, retainable);
  for (let id = 2; id <= 40; id++) publish(id); // the ring grows
  while (publishes.open > acknowledged.length && retaining.length === 0) answer(0);
  expect([acknowledged, retaining.map(({ tokens, pos }) => [tokens, pos])]).toEqual([[], [['r', 1]]]);
  for (let i = 0; i < 39; i++) answer(0);
  expect(acknowledged).toEqual([]);
  retaining[0]!.resolve();
  await Promise.resolve();
  expect(acknowledged).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
});

test('what is refused is answered with its reason, in its turn', () => {
  const { publishes, publish, answer, owner } = ring();
  const answered: [number, number][] = [];
  Object.assign(owner, { onStored: (id: number, refusal: number) => answered.push([id, refusal]) });
  owner.onRefused.mockReturnValue(0x97);
  publish(1);
  publishes.refuse(2, 0x90);
  publish(3);
  publish(4);
  answer(1, 'bus.refused');
  expect(answered).toEqual([]);
  answer(0);
  answer(0);
  expect(answered).toEqual([
    [1, 0],
    [2, 0x90],
    [3, 0x97],
    [4, 0],
  ]);
  expect([publishes.open, publishes.bytes]).toEqual([0, 0]);
});
