import { parseFilter, parseTopic, type Properties, type QoS } from '@trivium/contracts';
import type { Delivered } from '@trivium/delivery';
import type { MessageTracing } from '@trivium/telemetry';
import { expect, test } from 'vitest';
import { createMessageFrames } from './message-frames.ts';

const off: MessageTracing = { enabled: false, receive: () => undefined, deliver: () => undefined };

function delivered(serial: number, pos: number, qos: QoS, properties?: Properties): Delivered {
  const topic = parseTopic('a/b');
  if (!topic.ok) throw new Error();
  return {
    topic: topic.value,
    topicField: new Uint8Array(),
    payload: new TextEncoder().encode('on'),
    qos,
    retain: false,
    pos,
    client: undefined,
    properties,
    serial,
  };
}

function sub(qos: QoS) {
  const filter = parseFilter('a/b');
  if (!filter.ok) throw new Error();
  return { filter: filter.value, qos };
}

test('a durable message tells its position, a live one has none', () => {
  const frames = createMessageFrames(off);
  expect(JSON.parse(frames.frame(delivered(1, 42, 1), sub(1), 'c').toString())).toEqual({
    op: 'msg',
    topic: 'a/b',
    payload: 'on',
    qos: 1,
    retain: false,
    pos: 42,
  });
  expect(JSON.parse(frames.frame(delivered(2, 0, 1), sub(0), 'c').toString())).not.toHaveProperty('pos');
});

test('what the topic retains says so, and has no position: a client that goes on from it would go back', () => {
  const frames = createMessageFrames(off);
  const kept = JSON.parse(frames.frame(delivered(1, 42, 1), sub(1), 'c', true).toString()) as object;
  expect(kept).toEqual({ op: 'msg', topic: 'a/b', payload: 'on', qos: 1, retain: true });
});

test('a message that was published to be retained is news to those who had subscribed', () => {
  const frames = createMessageFrames(off);
  const message = { ...delivered(1, 42, 1), retain: true };
  expect(JSON.parse(frames.frame(message, sub(1), 'c').toString())).toMatchObject({ retain: false, pos: 42 });
});

test('the QoS told is that of the delivery: the lower one of publisher and subscription', () => {
  const frames = createMessageFrames(off);
  const qos = (published: QoS, granted: QoS): unknown =>
    (JSON.parse(frames.frame(delivered(1, 7, published), sub(granted), 'c').toString()) as { qos: unknown })
      .qos;
  expect([qos(1, 1), qos(1, 0), qos(0, 1), qos(2, 1)]).toEqual([1, 0, 0, 1]);
});

test('a message is written once for all clients that get it with the same QoS', () => {
  const frames = createMessageFrames(off);
  const message = delivered(5, 9, 1);
  expect(frames.frame(message, sub(1), 'b')).toBe(frames.frame(message, sub(1), 'a'));
  expect(frames.frame(delivered(6, 10, 1), sub(1), 'a').toString()).toContain('"pos":10');
});

test('a traced message tells each receiver its own delivery span instead of the publisher', () => {
  let spans = 0;
  const ended: number[] = [];
  const tracing: MessageTracing = {
    enabled: true,
    receive: () => undefined,
    deliver(traceparent) {
      const n = ++spans;
      const traceId = traceparent!.split('-')[1]!;
      return {
        traceId,
        traceparent: `00-${traceId}-span${n}-01`,
        tracestate: undefined,
        end: () => void ended.push(n),
        run: (work) => work(),
      };
    },
  };
  const frames = createMessageFrames(tracing);
  const message = delivered(1, 3, 1, { traceparent: '00-trace-publisher-01', tracestate: 'v=1' });
  const told = (client: string): unknown =>
    (JSON.parse(frames.frame(message, sub(1), client).toString()) as { properties: unknown }).properties;
  expect(told('a')).toEqual({ traceparent: '00-trace-span1-01' });
  expect(told('b')).toEqual({ traceparent: '00-trace-span2-01' });
  expect(ended).toEqual([1, 2]);
});
