import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFrame, encodeFrame, errFrame, okFrame } from './codec.ts';

describe('frames from clients', () => {
  test.each([
    { op: 'pub', topic: 'a', payload: 'x' },
    {
      op: 'pub',
      id: 'p',
      topic: 'a',
      payload: { deep: [1] },
      qos: 1,
      retain: false,
      contentType: 'text/plain',
    },
    { op: 'pub', topic: 'a', payloadBase64: 'AA==', properties: { userProperties: [['a', 'b']] } },
    { op: 'sub', id: 1, filters: [{ filter: 'a/#', qos: 1 }, { filter: '+' }, 'b'], from: 0 },
    { op: 'unsub', filters: ['a', { filter: 'b' }] },
    { op: 'ack', pos: 17 },
    { op: 'ping', id: 0 },
    { op: 'cmd', id: 1, device: 'd', name: 'set', payload: { on: true }, timeoutMs: 300_000 },
    { op: 'cmd', id: 'x', device: 'd', name: 'set', payloadBase64: 'AA==', contentType: 'a/b' },
    { op: 'reply', id: 'abc-1', payload: 'done', properties: { userProperties: [['a', 'b']] } },
    { op: 'ping', later: 'a member of a later version' },
  ])('%j is understood', (frame) => {
    expect(decodeFrame(JSON.stringify(frame))).toEqual({ ok: true, value: frame });
  });

  test.each([
    ['', undefined],
    ['{', undefined],
    ['null', undefined],
    ['[]', undefined],
    ['"pub"', undefined],
    ['{}', undefined],
    ['{"id":1}', 1],
    ['{"op":1,"id":"x"}', 'x'],
    ['{"op":"nope","id":7}', 7],
    ['{"op":"toString"}', undefined],
    ['{"op":"__proto__","id":1}', 1],
    ['{"op":"ping","id":{}}', undefined],
    ['{"op":"ping","id":1.5}', undefined],
    ['{"op":"pub","id":1}', 1],
    ['{"op":"pub","id":1,"topic":5}', 1],
    ['{"op":"pub","id":1,"topic":"a","qos":3}', 1],
    ['{"op":"pub","id":1,"topic":"a","retain":1}', 1],
    ['{"op":"pub","id":1,"topic":"a","properties":{"nope":1}}', 1],
    ['{"op":"sub","id":1}', 1],
    ['{"op":"sub","id":1,"filters":[]}', 1],
    ['{"op":"sub","id":1,"filters":[1]}', 1],
    ['{"op":"sub","id":1,"filters":["a"],"from":-1}', 1],
    ['{"op":"sub","id":1,"filters":["a"],"from":1e300}', 1],
    ['{"op":"ack","id":1}', 1],
    ['{"op":"cmd","device":"d","name":"n"}', undefined],
    ['{"op":"cmd","id":1,"name":"n"}', 1],
    ['{"op":"cmd","id":1,"device":"d"}', 1],
    ['{"op":"cmd","id":1,"device":"d","name":"n","timeoutMs":0}', 1],
    ['{"op":"cmd","id":1,"device":"d","name":"n","timeoutMs":300001}', 1],
    ['{"op":"reply","id":1}', 1],
    ['{"op":"reply","id":""}', ''],
    ['{"op":"ack","id":1,"pos":"5"}', 1],
  ])('%s is malformed, and the id is told as far as it can be read', (text, id) => {
    const decoded = decodeFrame(text);
    expect(decoded).toMatchObject({ ok: false, error: { code: 'protocol.malformed' }, id });
  });

  test('no text makes it throw', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc
        .record({ op: fc.constantFrom('pub', 'sub', 'ack', 'unsub', 'cmd', 'reply'), id: fc.jsonValue() })
        .map((x) => JSON.stringify(x)),
    );
    fc.assert(fc.property(text, (given) => typeof decodeFrame(given).ok === 'boolean'));
  });
});

describe('frames to clients', () => {
  test('an answer repeats the id as it was, and says nothing without one', () => {
    expect(encodeFrame(okFrame('7', { pos: 3 }))).toBe('{"op":"ok","id":"7","pos":3}');
    expect(encodeFrame(okFrame(7, { granted: [0, 1] }))).toBe('{"op":"ok","id":7,"granted":[0,1]}');
    expect(encodeFrame(okFrame(undefined, {}))).toBe('{"op":"ok"}');
  });

  test('an error tells code, message and when to try again, never what is not public', () => {
    const busy = { code: 'bus.overloaded', message: 'busy', retryAfterMs: 50 };
    expect(errFrame(busy, 1)).toEqual({ op: 'err', id: 1, ...busy });
    expect(errFrame(new Error('secret'), undefined)).toEqual({
      op: 'err',
      code: 'defect',
      message: expect.not.stringContaining('secret'),
    });
  });
});
