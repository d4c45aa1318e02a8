import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isDollar, parseTopic } from './topic.ts';
import { text } from './topic.arbitrary.ts';

const codeOf = (raw: string, limits?: Parameters<typeof parseTopic>[1]): string => {
  const parsed = parseTopic(raw, limits);
  return parsed.ok ? 'ok' : parsed.error.code;
};

describe('parseTopic', () => {
  test.each([
    'a',
    '/',
    '//',
    '/finance',
    'a b',
    '$SYS/x',
    '*',
    '>',
    'a.b',
    '-',
    '%',
    'ü',
    '😀/\u{10ffff}',
    '\ufffe',
    '\uffff',
    '\ufdd0',
    '\u0001',
    '\u007f',
    '\u009f',
    '\ufeffa',
  ])('accepts %j as it is', (raw) => expect(parseTopic(raw)).toEqual({ ok: true, value: raw }));

  test('[MQTT3-4.7.3-1] [MQTT-4.7.3-1] refuses the empty topic', () =>
    expect(codeOf('')).toBe('topic.invalid'));

  test.each(['+', '#', 'a/+', 'a/#', 'a+', '+a/b', 'a#b', '/#'])(
    '[MQTT3-3.3.2-2] [MQTT3-4.7.1-1] [MQTT-3.3.2-2] [MQTT-4.7.0-1] refuses the wildcard in %j',
    (raw) => expect(codeOf(raw)).toBe('topic.invalid'),
  );

  test.each(['\0', 'a/\0', 'a\0b'])(
    '[MQTT3-4.7.3-2] [MQTT3-1.5.3-2] [MQTT-4.7.3-2] [MQTT-1.5.4-2] refuses U+0000 in %j',
    (raw) => expect(codeOf(raw)).toBe('topic.invalid'),
  );

  test.each([
    '\ud800',
    '\udfff',
    'a\ud800',
    '\ud800a',
    '\udc00\ud800',
    '\ud800\ue000',
    '\ud800\ud800\udc00',
    'a/\udbff/b',
  ])('[MQTT3-1.5.3-1] [MQTT-1.5.4-1] refuses the lone surrogate in %j', (raw) =>
    expect(codeOf(raw)).toBe('topic.invalid'),
  );

  test('[MQTT3-4.7.3-3] [MQTT-4.7.3-3] counts bytes of UTF-8, of one to four a character', () => {
    const exact = 'a'.length + 2 * 'ü'.length + 3 * '€'.length + 4;
    expect(codeOf('aü€😀', { maxTopicBytes: exact, maxTopicLevels: 9 })).toBe('ok');
    expect(codeOf('aü€😀', { maxTopicBytes: exact - 1, maxTopicLevels: 9 })).toBe('topic.too-long');
  });

  test('counts bytes as the encoder does, whatever the text', () => {
    fc.assert(
      fc.property(text, (raw) => {
        const bytes = new TextEncoder().encode(raw).length;
        fc.pre(bytes > 0 && !/[+#\0]/.test(raw));
        expect(codeOf(raw, { maxTopicBytes: bytes, maxTopicLevels: 1e9 })).toBe('ok');
        expect(codeOf(raw, { maxTopicBytes: bytes - 1, maxTopicLevels: 1e9 })).toBe('topic.too-long');
      }),
    );
  });

  test('counts levels, empty ones too', () => {
    expect(codeOf('a//b', { maxTopicBytes: 99, maxTopicLevels: 3 })).toBe('ok');
    expect(codeOf('a//b/', { maxTopicBytes: 99, maxTopicLevels: 3 })).toBe('topic.too-deep');
  });

  test('has default limits of 16,384 bytes and 128 levels', () => {
    expect(codeOf('a'.repeat(16384))).toBe('ok');
    expect(codeOf('a'.repeat(16385))).toBe('topic.too-long');
    expect(codeOf('/'.repeat(127))).toBe('ok');
    expect(codeOf('/'.repeat(128))).toBe('topic.too-deep');
  });
});

test('isDollar looks at the first character only', () => {
  expect([isDollar('$SYS/a'), isDollar('$'), isDollar('a/$b'), isDollar('/$a')]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
