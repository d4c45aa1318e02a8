import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperties, isMqttString } from './properties-check.ts';
import { text } from './topic.arbitrary.ts';

describe('isMqttString', () => {
  test.each([
    '',
    'a',
    'ü😀',
    '\ufffe',
    'a'.repeat(65535),
    'ü'.repeat(32767),
    '€'.repeat(21845),
    '😀'.repeat(16383),
  ])('takes %#', (s) => expect(isMqttString(s)).toBe(true));
  test.each([
    '\0',
    'a\0',
    '\ud800',
    'a\udc00',
    'a'.repeat(65536),
    'ü'.repeat(32768),
    '€'.repeat(21846),
    '😀'.repeat(16384),
  ])('[MQTT-1.5.4-1] [MQTT-1.5.4-2] does not take %#', (s) => expect(isMqttString(s)).toBe(false));
  test('measures what the encoder writes', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 65520, max: 65540 }), (s, total) => {
        fc.pre(!s.includes('\0'));
        const padded = s + 'a'.repeat(total - new TextEncoder().encode(s).length);
        expect(isMqttString(padded)).toBe(total <= 65535);
      }),
    );
  });
});

describe('checkProperties', () => {
  test('gives properties back that an MQTT client can be told', () => {
    const properties = {
      contentType: '',
      responseTopic: '/a',
      correlationData: new Uint8Array(65535),
      userProperties: [['', 'ü']] as [string, string][],
    };
    expect(checkProperties(properties)).toEqual({ ok: true, value: properties });
    expect(checkProperties({})).toEqual({ ok: true, value: {} });
  });

  test.each([
    [{ contentType: '\0' }, 'payload.invalid'],
    [{ responseTopic: '' }, 'topic.invalid'],
    [{ responseTopic: 'a/+' }, 'topic.invalid'],
    [{ responseTopic: 'a'.repeat(65536) }, 'topic.too-long'],
    [{ correlationData: new Uint8Array(65536) }, 'payload.invalid'],
    [{ userProperties: [['\ud800', '']] as [string, string][] }, 'payload.invalid'],
    [
      {
        userProperties: [
          ['a', 'b'],
          ['', '\0'],
        ] as [string, string][],
      },
      'payload.invalid',
    ],
  ])('[MQTT-3.3.2-14] refuses %# as %s', (properties, code) =>
    expect(checkProperties(properties)).toMatchObject({ ok: false, error: { code } }),
  );
});
