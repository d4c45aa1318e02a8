const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The text of strict UTF-8, a leading U+FEFF kept; `undefined` when the bytes are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Lone surrogates become U+FFFD: refuse them before (`String.prototype.isWellFormed`). */
export function toUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}
