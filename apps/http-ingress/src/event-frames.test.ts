import { parseTopic, type Properties, type QoS, type TopicFilter } from '@trivium/contracts';
import type { Delivered } from '@trivium/delivery';
import type { MessageTracing } from '@trivium/telemetry';
import { expect, test } from 'vitest';
import { createEventFrames, heartbeat, namedEvent } from './event-frames.ts';

const off: MessageTracing = { enabled: false, receive: () => undefined, deliver: () => undefined };
const sub = (qos: QoS) => ({ filter: 'a/b' as TopicFilter, qos });

function delivered(serial: number, pos: number, payload: string, properties?: Properties): Delivered {
  const topic = parseTopic('a/b');
  if (!topic.ok) throw new Error();
  return {
    topic: topic.value,
    topicField: new Uint8Array(),
    payload: new TextEncoder().encode(payload),
    qos: 1,
    retain: false,
    pos,
    client: undefined,
    properties,
    serial,
  };
}

test('a durable message has an id, a live one has none', () => {
  const frames = createEventFrames(off);
  expect(frames.message(delivered(1, 42, 'on'), sub(1), undefined).toString()).toBe(
    'event: message\nid: 42\ndata: {"op":"msg","topic":"a/b","payload":"on","qos":1,"retain":false,"pos":42}\n\n',
  );
  expect(frames.message(delivered(2, 0, 'on'), sub(0), undefined).toString()).toBe(
    'event: message\ndata: {"op":"msg","topic":"a/b","payload":"on","qos":0,"retain":false}\n\n',
  );
});

test('what the topic retains says so, and has no position: a reader that goes on from it would go back', () => {
  const frames = createEventFrames(off);
  expect(frames.message(delivered(1, 42, 'on'), sub(1), undefined, true).toString()).toBe(
    'event: message\ndata: {"op":"msg","topic":"a/b","payload":"on","qos":1,"retain":true}\n\n',
  );
});

test('a message that was published to be retained is news to those who had subscribed', () => {
  const frames = createEventFrames(off);
  const message = { ...delivered(1, 42, 'on'), retain: true };
  expect(frames.message(message, sub(1), undefined).toString()).toContain('"retain":false,"pos":42');
});

test('embedded JSON cannot end the event or add fields to it', () => {
  const json = '{"a":\r1,\n\n"b":\r\n2}';
  const frames = createEventFrames(off);
  const text = frames
    .message(delivered(1, 1, json, { contentType: 'application/json' }), sub(1), undefined)
    .toString();
  const lines = text.slice(0, -2).split('\n');
  expect(text).not.toContain('\r');
  expect(lines.slice(2).every((line) => line.startsWith('data: '))).toBe(true);
  const data = lines.slice(2).map((line) => line.slice(6));
  expect(JSON.parse(data.join('\n'))).toMatchObject({ payload: { a: 1, b: 2 } });
});

test('a message is written once for all streams', () => {
  const frames = createEventFrames(off);
  const message = delivered(3, 7, 'x');
  expect(frames.message(message, sub(1), 'b')).toBe(frames.message(message, sub(1), 'a'));
});

test('a traced message tells each reader its own delivery span', () => {
  let spans = 0;
  let ended = 0;
  const tracing: MessageTracing = {
    enabled: true,
    receive: () => undefined,
    deliver: () => ({
      traceId: 't',
      traceparent: `span ${++spans}`,
      tracestate: undefined,
      end: () => void ended++,
      run: (work) => work(),
    }),
  };
  const frames = createEventFrames(tracing);
  const message = delivered(1, 3, 'x', { traceparent: 'publisher', tracestate: 'v=1' });
  const told = (): string => frames.message(message, sub(1), undefined).toString();
  expect([told(), told()]).toEqual([
    expect.stringContaining('"properties":{"traceparent":"span 1"}'),
    expect.stringContaining('"properties":{"traceparent":"span 2"}'),
  ]);
  expect(ended).toBe(2);
});

test('other events', () => {
  expect(heartbeat(undefined)).toBe(': heartbeat\n\n');
  expect(heartbeat(9)).toBe(': heartbeat\nid: 9\n\n');
  expect(namedEvent('lost', { from: 1, to: 2 })).toBe('event: lost\ndata: {"from":1,"to":2}\n\n');
});
