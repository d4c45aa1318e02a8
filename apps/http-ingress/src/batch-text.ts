import type { Refusal } from '@trivium/contracts';

/** The bytes of one item, or why there are none. After `last` nothing comes: where the next item begins is not known. */
export type Piece =
  | { readonly bytes: Uint8Array; readonly refusal?: undefined }
  | { readonly refusal: Refusal; readonly last: boolean };

/** Cuts the text of a batch into its items as it arrives. It holds on to one item at a time, and to no more than `maxItemBytes` of it. */
export interface BatchText {
  /** The items that end in `chunk`. To be read to the end before the next call. */
  push(chunk: Uint8Array): Iterable<Piece>;
  /** What is left when the body has ended. */
  end(): Iterable<Piece>;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const NEWLINE = 0x0a;

const isBlank = (byte: number): boolean =>
  byte === 0x20 || byte === NEWLINE || byte === 0x0d || byte === 0x09;

/** An item that lies in several chunks. */
function createAssembly(maxBytes: number) {
  let parts: Uint8Array[] = [];
  let size = 0;
  return {
    /** Something of an item is here. */
    get begun() {
      return size > 0;
    },
    add(part: Uint8Array): void {
      size += part.length;
      if (size > maxBytes) parts = [];
      else parts.push(part);
    },
    take(): Piece {
      const piece: Piece =
        size > maxBytes
          ? {
              refusal: { code: 'payload.too-large', message: `an item has at most ${maxBytes} bytes` },
              last: false,
            }
          : { bytes: parts.length === 1 ? parts[0]! : Buffer.concat(parts) };
      parts = [];
      size = 0;
      return piece;
    },
  };
}

/** Newline-delimited JSON: an item a line, blank lines are none. */
export function linesOf(maxItemBytes: number): BatchText {
  const line = createAssembly(maxItemBytes);
  let blank = true;

  function* take(): Iterable<Piece> {
    const piece = line.take();
    if (!blank) yield piece;
    blank = true;
  }

  return {
    *push(chunk) {
      for (let at = 0; at < chunk.length;) {
        const newline = chunk.indexOf(NEWLINE, at);
        const part = chunk.subarray(at, newline === -1 ? chunk.length : newline);
        blank &&= part.every(isBlank);
        if (!blank) line.add(part);
        if (newline === -1) return;
        yield* take();
        at = newline + 1;
      }
    },
    *end() {
      if (line.begun) yield* take();
    },
  };
}

const broken = (message: string): Piece => ({ refusal: { code: 'protocol.malformed', message }, last: true });

type Place = 'before' | 'first' | 'element' | 'next' | 'after' | 'broken';

/** Where a byte leads that is neither blank nor inside an element. */
function step(place: Place, byte: number): Place {
  if (place === 'before') return byte === OPEN_ARRAY ? 'first' : 'broken';
  if (place === 'first' && byte === CLOSE_ARRAY) return 'after';
  return place === 'after' || byte === COMMA || byte === CLOSE_ARRAY ? 'broken' : 'element';
}

/** A JSON array: an item an element. Only brackets, commas and strings are looked at: an element may be anything that ends. */
export function elementsOf(maxItemBytes: number): BatchText {
  const element = createAssembly(maxItemBytes);
  let place: Place = 'before';
  let depth = 0;
  let inString = false;
  let escaped = false;

  /** Index after what of the element lies in `chunk` from `at`; `place` is no longer `element` when that is all of it. */
  const scan = (chunk: Uint8Array, at: number): number => {
    for (let i = at; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (escaped) escaped = false;
      else if (inString) {
        if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
      else if (depth > 0) {
        if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
      } else if (byte === COMMA || byte === CLOSE_ARRAY) {
        place = byte === COMMA ? 'next' : 'after';
        return i;
      }
    }
    return chunk.length;
  };

  return {
    *push(chunk) {
      for (let at = 0; at < chunk.length && place !== 'broken';) {
        if (place === 'element') {
          const end = scan(chunk, at);
          element.add(chunk.subarray(at, end));
          at = end + 1;
          if (end < chunk.length) yield element.take();
          continue;
        }
        const byte = chunk[at]!;
        if (!isBlank(byte)) {
          place = step(place, byte);
          if (place === 'broken') yield broken(`the body is no JSON array: unexpected byte ${byte}`);
          if (place === 'element') continue;
        }
        at++;
      }
    },
    *end() {
      if (place !== 'after' && place !== 'broken') yield broken('the body ends before its JSON array does');
    },
  };
}
