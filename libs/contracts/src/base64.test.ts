import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromBase64, toBase64 } from './base64.ts';

test.each([
  ['', ''],
  ['f', 'Zg=='],
  ['fo', 'Zm8='],
  ['foo', 'Zm9v'],
  ['foob', 'Zm9vYg=='],
  ['fooba', 'Zm9vYmE='],
  ['foobar', 'Zm9vYmFy'],
])('[RFC4648-10] %j is %j', (text, base64) => expect(toBase64(new TextEncoder().encode(text))).toBe(base64));

test('is what Node writes, and comes back, for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = toBase64(bytes);
      expect(text).toBe(Buffer.from(bytes).toString('base64'));
      expect(fromBase64(text)).toEqual(bytes);
    }),
  );
});

test.each([
  'A',
  'AA',
  'AAA',
  '=',
  '====',
  'A===',
  'Zh==',
  'ZE==',
  'Zm9=',
  'Zm 9v',
  'Zm9v\n',
  'Zm9v====',
  'Z=9v',
  '-_-_',
  'ü===',
  'Zg==Zg==',
])('refuses %j, which is not canonical', (text) => expect(fromBase64(text)).toBeUndefined());

test('accepts only what it writes', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('A', 'B', 'E', 'Q', '/', '+', '=', '-', '9') }), (text) => {
      const bytes = fromBase64(text);
      if (bytes !== undefined) expect(toBase64(bytes)).toBe(text);
    }),
    { numRuns: 2000 },
  );
});
