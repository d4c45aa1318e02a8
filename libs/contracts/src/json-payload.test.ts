import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isJsonContentType, payloadFromJson, payloadMember, payloadToJson } from './json-payload.ts';
import { text } from './topic.arbitrary.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const taken = (source: object, json?: string): string => {
  const bytes = payloadFromJson(source, json);
  return bytes.ok ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.value) : bytes.error.code;
};

/** JSON without blanks around it, and a JSON string without its quotes; all other bytes as they are. */
function withoutWrapping(bytes: Uint8Array): Uint8Array {
  try {
    const json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(json);
    return utf8(typeof value === 'string' ? value : json.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''));
  } catch {
    return bytes;
  }
}

describe('payloadFromJson', () => {
  test.each([
    [{ payload: 'ü{"' }, 'ü{"'],
    [{ payload: '' }, ''],
    [{ payload: '\ufeffa' }, '\ufeffa'],
    [{ payload: 21.5 }, '21.5'],
    [{ payload: null }, 'null'],
    [{ payload: false }, 'false'],
    [{ payload: { t: 21.5, a: [1, 'x'] } }, '{"t":21.5,"a":[1,"x"]}'],
    [{ payloadBase64: 'Zm9v' }, 'foo'],
    [{ payloadBase64: '' }, ''],
    [{}, ''],
  ])('%j is the bytes of %j', (source, text) => expect(taken(source)).toBe(text));

  test('takes JSON as it was sent when the text is at hand', () => {
    const json = '{"op":"pub","payload":{"id": 12345678901234567890, "v": 1.0}}';
    expect(taken(JSON.parse(json) as object, json)).toBe('{"id": 12345678901234567890, "v": 1.0}');
    expect(taken({ payload: 'text' }, '{"payload":"text"}')).toBe('text');
  });

  test.each([
    { payload: 'a', payloadBase64: 'Zm9v' },
    { payload: null, payloadBase64: 'Zm9v' },
    { payloadBase64: 'Zm9' },
    { payloadBase64: 'Zm9v\n' },
    { payloadBase64: 7 },
    { payloadBase64: null },
    { payload: '\ud800' },
    { payload: () => 1 },
    { payload: 1n },
  ])('refuses %s', (source) => expect(taken(source)).toBe('payload.invalid'));
});

describe('payloadToJson', () => {
  const json = 'application/json';

  test('embeds JSON that says it is JSON', () => {
    expect(payloadToJson(utf8('{"t": 21.5}'), json)).toEqual({ payload: { t: 21.5 } });
    expect(payloadToJson(utf8(' 7 '), json)).toEqual({ payload: 7 });
    expect(payloadMember(utf8('{"id": 12345678901234567890, "v": 1.0}'), json)).toBe(
      '"payload":{"id": 12345678901234567890, "v": 1.0}',
    );
  });

  test('writes a string when the content type says otherwise, or the bytes do', () => {
    expect(payloadToJson(utf8('{"t":21.5}'), undefined)).toEqual({ payload: '{"t":21.5}' });
    expect(payloadToJson(utf8('{"t":'), json)).toEqual({ payload: '{"t":' });
    expect(payloadToJson(utf8(''), json)).toEqual({ payload: '' });
    expect(payloadToJson(utf8('\ufeff1'), json)).toEqual({ payload: '\ufeff1' });
    expect(payloadMember(utf8('{"t":'), json)).toBe('"payload":"{\\"t\\":"');
  });

  test('writes base64 for what is not UTF-8, whatever it says it is', () => {
    const bytes = new Uint8Array([0x22, 0xff, 0x22]);
    expect(payloadToJson(bytes, json)).toEqual({ payloadBase64: 'Iv8i' });
    expect(payloadToJson(new Uint8Array([0xed, 0xa0, 0x80]), undefined)).toEqual({ payloadBase64: '7aCA' });
    expect(payloadMember(bytes, json)).toBe('"payloadBase64":"Iv8i"');
  });

  test('embeds JSON however deep it is nested, where writing the parsed value would overflow the stack', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(payloadMember(utf8(deep), json)).toBe(`"payload":${deep}`);
  });

  test('comes back byte for byte, any bytes under any content type, but JSON without blanks around it and a JSON string without its quotes', () => {
    const blank = fc.constantFrom('', ' ', '\n');
    const jsonText = fc.tuple(blank, fc.json(), blank).map((parts) => utf8(parts.join('')));
    const bytes = fc.oneof(fc.uint8Array(), jsonText, text.map(utf8));
    fc.assert(
      fc.property(bytes, fc.constantFrom(undefined, json, 'text/plain'), (payload, contentType) => {
        const sent = `{${payloadMember(payload, contentType)}}`;
        const back = payloadFromJson(JSON.parse(sent) as object, sent);
        expect(back).toEqual({ ok: true, value: contentType === json ? withoutWrapping(payload) : payload });
      }),
      { numRuns: 1000 },
    );
  });
});

test.each([
  ['application/json', true],
  ['Application/JSON; charset=utf-8', true],
  [' application/json ', true],
  ['application/json5', false],
  ['application/json-seq', false],
  ['application/vnd.api+json', false],
  ['text/plain; x=application/json', false],
  ['', false],
  [undefined, false],
])('isJsonContentType(%j) is %s', (contentType, expected) =>
  expect(isJsonContentType(contentType)).toBe(expected),
);
