import { isPair } from './topic.ts';

const HEX: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
);

/** `%HH`, upper-case. */
export function escapeByte(byte: number): string {
  return HEX[byte]!;
}

/** The bytes of one code point, each as `%HH`. */
export function escapeCodePoint(point: number): string {
  if (point < 0x80) return escapeByte(point);
  const last = escapeByte(0x80 | (point & 0x3f));
  if (point < 0x800) return escapeByte(0xc0 | (point >> 6)) + last;
  const second = escapeByte(0x80 | ((point >> 6) & 0x3f));
  if (point < 0x10000) return escapeByte(0xe0 | (point >> 12)) + second + last;
  return escapeByte(0xf0 | (point >> 18)) + escapeByte(0x80 | ((point >> 12) & 0x3f)) + second + last;
}

/** The code point of `s` at `i`; a lone surrogate reads as U+FFFD, as in every UTF-8 encoder. */
export function codePointAt(s: string, i: number): number {
  const c = s.charCodeAt(i);
  if (c < 0xd800 || c > 0xdfff) return c;
  return isPair(s, i, c) ? s.codePointAt(i)! : 0xfffd;
}

/** The byte that `%HH` at `i` of `s` stands for; -1 when it is not of this form. */
export function unescapeByte(s: string, i: number): number {
  const high = hexDigit(s.charCodeAt(i + 1));
  const low = hexDigit(s.charCodeAt(i + 2));
  return high < 0 || low < 0 ? -1 : (high << 4) | low;
}

function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  if (c >= 0x41 && c <= 0x46) return c - 0x37;
  return -1;
}
