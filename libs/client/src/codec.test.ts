import { expect, test } from 'vitest';
import { decodeFrame, messageOf, pubFrame } from './codec.ts';

test.each([
  ['text', { payload: 'text' }],
  ['', { payload: '' }],
  [Uint8Array.of(0x68, 0x69), { payload: 'hi' }],
  [Uint8Array.of(0xff, 0), { payloadBase64: '/wA=' }],
  [{ t: [1, null] }, { payload: { t: [1, null] }, contentType: 'application/json' }],
  [21.5, { payload: 21.5, contentType: 'application/json' }],
  [null, { payload: null, contentType: 'application/json' }],
  [undefined, {}],
])('%j is published as %j', (payload, members) => {
  expect(pubFrame('a', payload, {})).toEqual({ op: 'pub', topic: 'a', qos: 1, ...members });
});

test('a content type of its own stays', () => {
  const options = {
    qos: 0,
    retain: true,
    contentType: 'text/x',
    properties: { responseTopic: 'r' },
  } as const;
  expect(pubFrame('a', { b: 1 }, options)).toEqual({ op: 'pub', topic: 'a', payload: { b: 1 }, ...options });
});

test('a message that comes keeps what it says; bytes are bytes', () => {
  const told = { topic: 'a', retain: false, contentType: 'c', properties: { responseTopic: 'r' }, pos: 7 };
  expect(messageOf({ op: 'msg', qos: 1, payloadBase64: '/wA=', ...told })).toEqual({
    qos: 1,
    payload: Uint8Array.of(0xff, 0),
    ...told,
  });
  expect(messageOf({ op: 'msg', qos: 0, payload: { b: 1 }, ...told })).toEqual({
    qos: 0,
    payload: { b: 1 },
    ...told,
  });
});

test.each(['', '{', 'null', '[]', '"ok"', '{}', '{"op":"later"}', '{"op":1}'])(
  '%j is no frame that is known',
  (text) => {
    expect(decodeFrame(text)).toBeUndefined();
  },
);
