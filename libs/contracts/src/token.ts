import { escapeByte, unescapeByte } from './percent.ts';

/** The token of the empty string, and so of an empty topic level. */
export const EMPTY_TOKEN = '%';

const PERCENT = 0x25;

/** ASCII that stands for itself in a token; everything from U+0080 up does too. */
export const SAFE: Uint8Array = (() => {
  const safe = new Uint8Array(128);
  for (const c of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$:@=-')
    safe[c.charCodeAt(0)] = 1;
  return safe;
})();

/**
 * One NATS subject token for any well-formed string, e.g. a topic level or a client id (section 4 of the architecture). Never empty,
 * never `*` or `>`, without dots and blanks. Reversible; different strings give different tokens.
 */
export function encodeToken(s: string): string {
  const length = s.length;
  if (length === 0) return EMPTY_TOKEN;
  for (let i = 0; i < length; i++) {
    const c = s.charCodeAt(i);
    if (c < 0x80 && SAFE[c] === 0) return escapeFrom(s, i);
  }
  return s;
}

function escapeFrom(s: string, first: number): string {
  let out = '';
  let from = 0;
  for (let i = first; i < s.length; i++) {
    const c = s.charCodeAt(i);
    if (c >= 0x80 || SAFE[c] === 1) continue;
    out += s.slice(from, i) + escapeByte(c);
    from = i + 1;
  }
  return out + s.slice(from);
}

/** The string that `encodeToken` made into `token`; `undefined` for anything that it would not have made. */
export function decodeToken(token: string): string | undefined {
  const length = token.length;
  if (length === 0) return undefined;
  for (let i = 0; i < length; i++) {
    const c = token.charCodeAt(i);
    if (c < 0x80 && SAFE[c] === 0) return c === PERCENT ? unescapeFrom(token, i) : undefined;
  }
  return token;
}

function unescapeFrom(token: string, first: number): string | undefined {
  if (token.length === 1) return '';
  let out = '';
  let from = 0;
  for (let i = first; i < token.length; i++) {
    const c = token.charCodeAt(i);
    if (c >= 0x80 || SAFE[c] === 1) continue;
    const byte = c === PERCENT ? unescapeByte(token, i) : -1;
    if (byte < 0 || byte >= 0x80 || SAFE[byte] === 1) return undefined;
    out += token.slice(from, i) + String.fromCharCode(byte);
    i += 2;
    from = i + 1;
  }
  return out + token.slice(from);
}
