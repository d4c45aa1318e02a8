/** The largest value of a variable byte integer (section 2.2.3). */
export const MAX_VARIABLE_BYTE_INTEGER = 268_435_455;

/** Bytes that `value` takes as a variable byte integer, in its shortest form. */
export function variableByteIntegerSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x20_0000 ? 3 : 4;
}

/** Writes `value` in its shortest form; returns the offset after it. */
export function writeVariableByteInteger(buffer: Uint8Array, at: number, value: number): number {
  let rest = value;
  let offset = at;
  while (rest > 0x7f) {
    buffer[offset++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[offset++] = rest;
  return offset;
}
