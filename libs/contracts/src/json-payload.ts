import { fromBase64, toBase64 } from './base64.ts';
import { memberText } from './json-source.ts';
import { accept, refuse } from './result.ts';
import { fromUtf8, toUtf8 } from './utf8.ts';
import type { Result } from './result.ts';

/** A payload where messages are written as JSON: WebSocket `trivium.v1`, HTTP batches, Server-Sent Events. */
export interface JsonPayloadIn {
  readonly payload?: unknown;
  readonly payloadBase64?: unknown;
}

export type JsonPayloadOut = { readonly payload: unknown } | { readonly payloadBase64: string };

/**
 * The bytes of a payload that came as JSON: those of `payloadBase64`, or the UTF-8 of a string `payload`, or the JSON text of any other
 * `payload`, exactly as sent when `json`, the text that `source` was parsed from, is given. Neither: no bytes. Both, base64 that is
 * not canonical, or a lone surrogate in a string: `payload.invalid`.
 */
export function payloadFromJson(source: JsonPayloadIn, json?: string): Result<Uint8Array> {
  const { payload, payloadBase64 } = source;
  if (payloadBase64 !== undefined) {
    if (payload !== undefined)
      return refuse('payload.invalid', 'payload and payloadBase64 exclude each other');
    const bytes = typeof payloadBase64 === 'string' ? fromBase64(payloadBase64) : undefined;
    return bytes === undefined ? refuse('payload.invalid', 'payloadBase64 is not base64') : accept(bytes);
  }
  if (payload === undefined) return accept(new Uint8Array(0));
  const text = typeof payload === 'string' ? payload : jsonText(payload, json);
  if (text === undefined) return refuse('payload.invalid', 'payload has no JSON text');
  if (!text.isWellFormed()) return refuse('payload.invalid', 'payload contains a lone surrogate');
  return accept(toUtf8(text));
}

function jsonText(value: unknown, json: string | undefined): string | undefined {
  const sent = json === undefined ? undefined : memberText(json, 'payload');
  if (sent !== undefined) return sent;
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** A payload to be written into JSON: as it is when it is JSON and says so, else a string when it is UTF-8, else base64. */
export function payloadToJson(bytes: Uint8Array, contentType: string | undefined): JsonPayloadOut {
  const text = fromUtf8(bytes);
  if (text === undefined) return { payloadBase64: toBase64(bytes) };
  if (!isJsonContentType(contentType)) return { payload: text };
  const parsed = parseJson(text);
  return { payload: parsed === undefined ? text : parsed.value };
}

/** The same as the member of a JSON text, `"payload":…` or `"payloadBase64":…`: embedded JSON keeps every byte of the publisher's. */
export function payloadMember(bytes: Uint8Array, contentType: string | undefined): string {
  const text = fromUtf8(bytes);
  if (text === undefined) return `"payloadBase64":"${toBase64(bytes)}"`;
  const embed = isJsonContentType(contentType) && parseJson(text) !== undefined;
  return `"payload":${embed ? text : JSON.stringify(text)}`;
}

/** `application/json`, in any case, with or without parameters. */
export function isJsonContentType(contentType: string | undefined): boolean {
  return contentType !== undefined && /^[ \t]*application\/json[ \t]*(?:;|$)/i.test(contentType);
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
