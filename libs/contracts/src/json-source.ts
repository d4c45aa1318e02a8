const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * The text of the member `name` in the text of a JSON object that `JSON.parse` has accepted; of the last one when the name is repeated,
 * as `JSON.parse` has it. It keeps what parsing loses: digits beyond a double, the order of keys, blanks.
 */
export function memberText(json: string, name: string): string | undefined {
  let found: string | undefined;
  let i = skipBlanks(json, 0);
  if (json.charCodeAt(i) !== OPEN_OBJECT) return undefined;
  i = skipBlanks(json, i + 1);
  while (json.charCodeAt(i) === QUOTE) {
    const keyEnd = endOfString(json, i);
    const key: unknown = JSON.parse(json.slice(i, keyEnd));
    const start = skipBlanks(json, skipBlanks(json, keyEnd) + 1);
    const end = endOfValue(json, start);
    if (key === name) found = json.slice(start, end);
    i = skipBlanks(json, end);
    if (json.charCodeAt(i) === COMMA) i = skipBlanks(json, i + 1);
  }
  return found;
}

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}

function skipBlanks(json: string, i: number): number {
  while (isBlank(json.charCodeAt(i))) i++;
  return i;
}

/** Index after the string that begins at `i`. */
function endOfString(json: string, i: number): number {
  for (i++; i < json.length; i++) {
    const c = json.charCodeAt(i);
    if (c === BACKSLASH) i++;
    else if (c === QUOTE) return i + 1;
  }
  return i;
}

/** Index after the value that begins at `i`. */
function endOfValue(json: string, i: number): number {
  let depth = 0;
  while (i < json.length) {
    const c = json.charCodeAt(i);
    if (c === QUOTE) {
      i = endOfString(json, i);
      if (depth === 0) return i;
      continue;
    }
    const closes = c === CLOSE_OBJECT || c === CLOSE_ARRAY;
    if (depth === 0 && (closes || c === COMMA || isBlank(c))) return i;
    i++;
    if (c === OPEN_OBJECT || c === OPEN_ARRAY) depth++;
    else if (closes && --depth === 0) return i;
  }
  return i;
}
