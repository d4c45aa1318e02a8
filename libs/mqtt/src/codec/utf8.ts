import { isUtf8 } from 'node:buffer';

/**
 * The UTF-8 string in [start, end), or undefined when it is ill-formed (overlong, surrogates, truncated) [MQTT3-1.5.3-1] or contains
 * U+0000 [MQTT3-1.5.3-2]. U+FEFF stays what it is, wherever it stands [MQTT3-1.5.3-3].
 */
export function decodeUtf8(buffer: Buffer, start: number, end: number): string | undefined {
  for (let i = start; i < end; i++) {
    const byte = buffer[i]!;
    if (byte === 0) return undefined;
    if (byte >= 0x80) return decodeWide(buffer, i, start, end);
  }
  return buffer.toString('latin1', start, end);
}

function decodeWide(buffer: Buffer, from: number, start: number, end: number): string | undefined {
  if (buffer.subarray(from, end).includes(0) || !isUtf8(buffer.subarray(from, end))) return undefined;
  return buffer.toString('utf8', start, end);
}
