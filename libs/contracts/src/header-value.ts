import { codePointAt, escapeCodePoint, unescapeByte } from './percent.ts';
import { fromUtf8 } from './utf8.ts';

const BLANK = 0x20;
const PERCENT = 0x25;
const EQUALS = 0x3d;
const DELETE = 0x7f;

/** Stands for the empty value: readers of NATS headers cannot tell an empty one from none. */
const EMPTY = '%';

/**
 * A header value for any text: printable ASCII stands for itself but for `%` and for blanks at the ends (readers trim them), all else is
 * the `%HH` of its UTF-8.
 */
export function encodeHeaderValue(text: string): string {
  return text === '' ? EMPTY : escape(text, false);
}

/** The text that `encodeHeaderValue` made into `value`; `undefined` when it is no such thing. */
export function decodeHeaderValue(value: string): string | undefined {
  return value === EMPTY ? '' : unescape(value);
}

/** `name=value`, each side encoded with its `=`. */
export function encodePair(name: string, value: string): string {
  return `${escape(name, true)}=${escape(value, true)}`;
}

export function decodePair(pair: string): [name: string, value: string] | undefined {
  const at = pair.indexOf('=');
  if (at === -1) return undefined;
  const name = unescape(pair.slice(0, at));
  const value = unescape(pair.slice(at + 1));
  return name === undefined || value === undefined ? undefined : [name, value];
}

/** True when the text needs no escape in a header: what trace context must be by its own standard. */
export function isPrintableAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < BLANK || c >= DELETE) return false;
  }
  return text.length > 0;
}

function escape(text: string, pair: boolean): string {
  const last = text.length - 1;
  let out = '';
  let from = 0;
  for (let i = 0; i <= last; i++) {
    const c = text.charCodeAt(i);
    const plain =
      c > BLANK && c < DELETE ? c !== PERCENT && !(pair && c === EQUALS) : c === BLANK && i > 0 && i < last;
    if (plain) continue;
    const point = codePointAt(text, i);
    out += text.slice(from, i) + escapeCodePoint(point);
    if (point > 0xffff) i++;
    from = i + 1;
  }
  return from === 0 ? text : out + text.slice(from);
}

function unescape(value: string): string | undefined {
  if (!value.includes('%')) return value;
  const bytes = new Uint8Array(value.length);
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    let byte = value.charCodeAt(i);
    if (byte >= 0x80) return undefined;
    if (byte === PERCENT) {
      byte = unescapeByte(value, i);
      if (byte < 0) return undefined;
      i += 2;
    }
    bytes[length++] = byte;
  }
  return fromUtf8(bytes.subarray(0, length));
}
