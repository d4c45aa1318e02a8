const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const PAD = 0x3d;

const VALUES: Int8Array = (() => {
  const values = new Int8Array(128).fill(-1);
  for (let i = 0; i < ALPHABET.length; i++) values[ALPHABET.charCodeAt(i)] = i;
  return values;
})();

/** RFC 4648, section 4, with padding. */
export function toBase64(bytes: Uint8Array): string {
  let out = '';
  let i = 0;
  for (; i + 2 < bytes.length; i += 3) {
    const n = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!;
    out += ALPHABET[n >> 18]! + ALPHABET[(n >> 12) & 63]! + ALPHABET[(n >> 6) & 63]! + ALPHABET[n & 63]!;
  }
  if (i + 1 === bytes.length) {
    const n = bytes[i]!;
    return out + ALPHABET[n >> 2]! + ALPHABET[(n & 3) << 4]! + '==';
  }
  if (i + 2 === bytes.length) {
    const n = (bytes[i]! << 8) | bytes[i + 1]!;
    return out + ALPHABET[n >> 10]! + ALPHABET[(n >> 4) & 63]! + ALPHABET[(n & 15) << 2]! + '=';
  }
  return out;
}

/** The bytes of canonical base64 (RFC 4648, section 4: padded, no blanks, unused bits zero); `undefined` for anything else. */
export function fromBase64(text: string): Uint8Array | undefined {
  const length = text.length;
  if (length % 4 !== 0) return undefined;
  if (length === 0) return new Uint8Array(0);
  const padding = text.charCodeAt(length - 1) !== PAD ? 0 : text.charCodeAt(length - 2) !== PAD ? 1 : 2;
  const digits = length - padding;
  const bytes = new Uint8Array((length / 4) * 3 - padding);
  let bits = 0;
  let at = 0;
  for (let i = 0; i < digits; i++) {
    const c = text.charCodeAt(i);
    const value = c < 128 ? VALUES[c]! : -1;
    if (value < 0) return undefined;
    bits = (bits << 6) | value;
    const phase = i & 3;
    if (phase > 0) bytes[at++] = bits >> (6 - 2 * phase);
  }
  if (padding > 0 && (bits & (padding === 1 ? 3 : 15)) !== 0) return undefined;
  return bytes;
}
