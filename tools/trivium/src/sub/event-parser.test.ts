import { expect, test } from 'vitest';
import { createEventParser, type StreamEvent } from './event-parser.ts';

const STREAM = [
  ': connected\nretry: 1500\nid: 7\n\n',
  'event: message\nid: 8\ndata: {"a":\ndata: 1}\n\n',
  'data:no blank\r\n\r\n',
  'event: lost\rdata: x\r\r',
  ': heartbeat\nid: 12\n\n',
  'id: 13\ndata: cut off',
].join('');

const EVENTS: StreamEvent[] = [
  { name: 'message', data: '{"a":\n1}' },
  { name: 'message', data: 'no blank' },
  { name: 'lost', data: 'x' },
];

test('events come whole wherever the stream is cut', () => {
  for (let size = 1; size < STREAM.length; size++) {
    const events: StreamEvent[] = [];
    const parser = createEventParser('', (event) => events.push(event));
    for (let at = 0; at < STREAM.length; at += size) parser.push(STREAM.slice(at, at + size));
    expect([events, parser.lastId, parser.retryMs], `pieces of ${size}`).toEqual([EVENTS, '12', 1500]);
  }
});

test('the id of an event that was cut off is not gone on from', () => {
  const parser = createEventParser('5', () => undefined);
  parser.push('id: 6\ndata: x\n');
  expect(parser.lastId).toBe('5');
  parser.push('\n');
  expect(parser.lastId).toBe('6');
});
