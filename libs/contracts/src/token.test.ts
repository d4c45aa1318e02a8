import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { text } from './topic.arbitrary.ts';
import { decodeToken, encodeToken } from './token.ts';

describe('encodeToken', () => {
  test.each([
    ['', '%'],
    ['a', 'a'],
    ['AZaz09_$:@=-', 'AZaz09_$:@=-'],
    ['v1.2', 'v1%2E2'],
    ['a b', 'a%20b'],
    ['50%', '50%25'],
    ['%', '%25'],
    ['*', '%2A'],
    ['>', '%3E'],
    ['a/b', 'a%2Fb'],
    ['\0\r\n\t\u007f', '%00%0D%0A%09%7F'],
    ['ü€😀\u0085\u00a0\u2028\ufeff', 'ü€😀\u0085\u00a0\u2028\ufeff'],
    ['-', '-'],
  ])('%j is %j', (s, token) => {
    expect(encodeToken(s)).toBe(token);
    expect(decodeToken(token)).toBe(s);
  });

  test('comes back, for every code point there is', () => {
    const wrong: number[] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const s = String.fromCodePoint(point);
      const token = encodeToken(s);
      const asContract =
        point >= 0x80 || /[A-Za-z0-9_$:@=-]/.test(s)
          ? s
          : `%${point.toString(16).toUpperCase().padStart(2, '0')}`;
      if (token !== asContract || decodeToken(token) !== s) wrong.push(point);
    }
    expect(wrong).toEqual([]);
  });

  test('comes back, and is one legal NATS token, for any text', () => {
    fc.assert(
      fc.property(text, (s) => {
        const token = encodeToken(s);
        expect(decodeToken(token)).toBe(s);
        expect(token).not.toMatch(/^$|[.*> \t\r\n\f\0]/);
      }),
    );
  });
});

describe('decodeToken', () => {
  test.each([
    '',
    'a.b',
    'a b',
    '*',
    '>',
    'a/b',
    '%2',
    '%2e',
    '%zz',
    '%41',
    '%C3%BC',
    '%%',
    'a%',
    '%80',
    '\0',
    '%2D',
  ])('refuses %j, which no text is encoded as', (token) => expect(decodeToken(token)).toBeUndefined());

  test('accepts only what encodeToken makes', () => {
    const near = fc.string({ unit: fc.constantFrom('%', '2', 'E', 'e', '0', 'a', '.', 'ü', ' ') });
    fc.assert(
      fc.property(near, (token) => {
        const s = decodeToken(token);
        if (s !== undefined) expect(encodeToken(s)).toBe(token);
      }),
      { numRuns: 2000 },
    );
  });
});
