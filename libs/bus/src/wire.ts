import type { MsgHdrs, NatsConnection, PublishOptions } from '@nats-io/nats-core';

const utf8 = new TextDecoder();
const bytes = new TextEncoder();

/** Headers that are bytes already: the client only ever calls `encode()`. */
export function rawHeaders(block: Uint8Array): MsgHdrs {
  return { encode: () => block } as unknown as MsgHdrs;
}

export function publishOptions(reply: string | undefined, headers: Uint8Array | undefined): PublishOptions {
  const options: PublishOptions = {};
  if (reply !== undefined) options.reply = reply;
  if (headers !== undefined) options.headers = rawHeaders(headers);
  return options;
}

/** A block of NATS headers from name and value pairs that need no escaping. */
export function headerBlock(pairs: readonly (readonly [string, string | number])[]): Uint8Array {
  let text = 'NATS/1.0\r\n';
  for (const [name, value] of pairs) text += `${name}: ${value}\r\n`;
  return bytes.encode(text + '\r\n');
}

/** Adds lines to a header block that `encodeHeaders` made (or to none). */
export function addHeaders(
  block: Uint8Array | undefined,
  pairs: readonly (readonly [string, string | number])[],
): Uint8Array {
  const more = headerBlock(pairs);
  if (block === undefined) return more;
  const head = block.subarray(0, block.length - 2);
  const tail = more.subarray('NATS/1.0\r\n'.length);
  const joined = new Uint8Array(head.length + tail.length);
  joined.set(head);
  joined.set(tail, head.length);
  return joined;
}

export function encodeText(text: string): Uint8Array {
  return bytes.encode(text);
}

export function decodeText(data: Uint8Array): string {
  return utf8.decode(data);
}

/** Set on an answer of the JetStream API when it refused. */
export interface ApiError {
  code: number;
  err_code: number;
  description: string;
}

/** `err_code`: there is no such stream. */
export const NOT_FOUND = 10059;

/** One call of the JetStream API. Rejects with the client's own errors when nobody answers. */
export async function api<T>(
  nc: NatsConnection,
  call: string,
  body?: object,
): Promise<T & { error?: ApiError }> {
  const answer = await nc.request(
    `$JS.API.${call}`,
    body === undefined ? undefined : encodeText(JSON.stringify(body)),
    { timeout: 5_000 },
  );
  return JSON.parse(decodeText(answer.data)) as T & { error?: ApiError };
}
