import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { messageFromJson, messageToJson, messageToJsonText } from './json-message.ts';
import { text, topic as anyTopic } from './topic.arbitrary.ts';
import type { Message, Properties } from './message.ts';
import type { Topic } from './topic.ts';

const utf8 = (s: string): Uint8Array => new TextEncoder().encode(s);
const read = (value: unknown, json?: string): ReturnType<typeof messageFromJson> =>
  messageFromJson(value, { nowMs: 1_000, ...(json === undefined ? {} : { json }) });

describe('messageFromJson', () => {
  test('takes a topic alone: QoS 0, no retain, no bytes', () =>
    expect(read({ topic: 'a/b' })).toEqual({
      ok: true,
      value: { topic: 'a/b', payload: new Uint8Array(0), qos: 0, retain: false },
    }));

  test('takes every field', () => {
    const json = {
      topic: 'a',
      payload: { t: 1 },
      qos: 1,
      retain: true,
      contentType: 'application/json',
      properties: {
        responseTopic: 'r',
        correlationData: 'AP8=',
        payloadFormat: 1,
        messageExpiry: 60,
        userProperties: [['k', 'v']],
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        tracestate: 'a=1',
      },
    };
    const { correlationData: _, messageExpiry: __, ...same } = json.properties;
    expect(read(json)).toEqual({
      ok: true,
      value: {
        topic: 'a',
        payload: utf8('{"t":1}'),
        qos: 1,
        retain: true,
        properties: {
          ...same,
          contentType: 'application/json',
          correlationData: new Uint8Array([0, 255]),
          expiresAt: 61_000,
        },
      },
    });
  });

  test('leaves members that are not of a message to the caller', () =>
    expect(read({ op: 'pub', id: 7, topic: 'a' }).ok).toBe(true));

  test.each([
    [undefined, 'payload.invalid'],
    [null, 'payload.invalid'],
    ['a', 'payload.invalid'],
    [[], 'payload.invalid'],
    [{}, 'payload.invalid'],
    [{ topic: 1 }, 'payload.invalid'],
    [{ topic: '' }, 'topic.invalid'],
    [{ topic: 'a/+' }, 'topic.invalid'],
    [{ topic: 'a', qos: 2 }, 'qos.unsupported'],
    [{ topic: 'a', qos: 3 }, 'payload.invalid'],
    [{ topic: 'a', qos: '1' }, 'payload.invalid'],
    [{ topic: 'a', retain: 1 }, 'payload.invalid'],
    [{ topic: 'a', payloadBase64: '?' }, 'payload.invalid'],
    [{ topic: 'a', contentType: '\0' }, 'payload.invalid'],
    [{ topic: 'a', properties: { unknown: 1 } }, 'payload.invalid'],
    [{ topic: 'a', properties: { correlationData: '?' } }, 'payload.invalid'],
    [{ topic: 'a', properties: { messageExpiry: 1, expiresAt: 1 } }, 'payload.invalid'],
    [{ topic: 'a', properties: { messageExpiry: -1 } }, 'payload.invalid'],
    [{ topic: 'a', properties: { messageExpiry: 0x1_0000_0000 } }, 'payload.invalid'],
    [{ topic: 'a', properties: { userProperties: [['a']] } }, 'payload.invalid'],
    [{ topic: 'a', properties: { responseTopic: '#' } }, 'topic.invalid'],
  ])('refuses %j as %s', (value, code) => expect(read(value)).toMatchObject({ ok: false, error: { code } }));

  test('names the member that does not fit', () =>
    expect(read({ topic: 'a', properties: { payloadFormat: 7 } })).toMatchObject({
      error: { message: expect.stringContaining('/properties') as string },
    }));

  test('keeps to the limits', () =>
    expect(
      messageFromJson({ topic: 'a/b' }, { nowMs: 0, limits: { maxTopicBytes: 9, maxTopicLevels: 1 } }),
    ).toMatchObject({ error: { code: 'topic.too-deep' } }));
});

describe('messageToJson', () => {
  const message: Message = {
    topic: 'a/b' as Topic,
    payload: utf8('{"t": 1.0}'),
    qos: 1,
    retain: false,
    client: 'secret',
    properties: { contentType: 'application/json', responseTopic: 'r' },
  };

  test('is the msg object of trivium.v1', () =>
    expect(messageToJson(message, 7)).toEqual({
      op: 'msg',
      topic: 'a/b',
      payload: { t: 1 },
      qos: 1,
      retain: false,
      contentType: 'application/json',
      properties: { responseTopic: 'r' },
      pos: 7,
    }));

  test('has no position when the message is live, and no properties when there are none', () =>
    expect(
      messageToJson({ topic: 'a' as Topic, payload: new Uint8Array([255]), qos: 0, retain: true }),
    ).toEqual({
      op: 'msg',
      topic: 'a',
      payloadBase64: '/w==',
      qos: 0,
      retain: true,
    }));

  test('as text keeps embedded JSON byte for byte', () =>
    expect(messageToJsonText(message, 7)).toBe(
      '{"op":"msg","topic":"a/b","payload":{"t": 1.0},"qos":1,"retain":false,"contentType":"application/json","properties":{"responseTopic":"r"},"pos":7}',
    ));
});

const anyProperties: fc.Arbitrary<Properties> = fc
  .record(
    {
      contentType: fc.constantFrom('text/plain', 'ü', ''),
      responseTopic: anyTopic,
      correlationData: fc.uint8Array({ maxLength: 9 }),
      payloadFormat: fc.constantFrom<(0 | 1)[]>(0, 1),
      expiresAt: fc.maxSafeNat(),
      userProperties: fc.array(fc.tuple(text, text), { maxLength: 3 }),
      traceparent: fc.constant('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
    },
    { requiredKeys: [] },
  )
  .filter((p) => !(p.userProperties ?? []).flat().some((s) => s.includes('\0')));

test('what was written as msg reads back as the same message, and the text is that of the object', () => {
  fc.assert(
    fc.property(
      anyTopic,
      fc.uint8Array(),
      fc.constantFrom<(0 | 1)[]>(0, 1),
      fc.boolean(),
      anyProperties,
      (topic, payload, qos, retain, properties) => {
        const some = Object.keys(properties).length > 0;
        const message: Message = { topic, payload, qos, retain, ...(some ? { properties } : {}) };
        const json = messageToJsonText(message, 3);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(messageToJson(message, 3))));
        expect(read(JSON.parse(json), json)).toEqual({ ok: true, value: message });
      },
    ),
    { numRuns: 1000 },
  );
});
