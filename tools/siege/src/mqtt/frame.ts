/** Bytes of the whole packet at the beginning; undefined: its length is not there yet. */
export function packetSize(bytes: Buffer): number | undefined {
  let length = 0;
  for (let at = 1; at < 5; at++) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 128 ** (at - 1);
    if (byte < 0x80) return at + 1 + length;
  }
  throw new Error('a remaining length of more than four bytes');
}

/** Where its body begins; its length is there. */
export function bodyStart(bytes: Buffer): number {
  let at = 1;
  while (bytes[at]! >= 0x80) at++;
  return at + 1;
}
