import {
  accept,
  messageFromJson,
  refuse,
  type Message,
  type Result,
  type TopicLimits,
} from '@trivium/contracts';

export interface BatchMessageOptions {
  nowMs: number;
  limits: TopicLimits;
  maxPayloadBytes: number;
  /** Of the request. */
  client: string | undefined;
  trace: { readonly traceparent?: string; readonly tracestate?: string };
}

/** The message in the bytes of an item; `protocol.malformed` when they are no JSON at all. */
export function batchMessage(bytes: Uint8Array, options: BatchMessageOptions): Result<Message> {
  const { nowMs, limits, maxPayloadBytes, client, trace } = options;
  let json: string;
  let value: unknown;
  try {
    json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(json);
  } catch {
    return refuse('protocol.malformed', 'the item is not JSON');
  }
  const read = messageFromJson(value, { nowMs, limits, json });
  if (!read.ok) return read;
  const message = read.value;
  if (message.payload.length > maxPayloadBytes)
    return refuse('payload.too-large', `a payload has at most ${maxPayloadBytes} bytes`);
  const traced = message.properties?.traceparent !== undefined || trace.traceparent === undefined;
  return accept({
    ...message,
    ...(client === undefined ? {} : { client }),
    ...(traced ? {} : { properties: { ...message.properties, ...trace } }),
  });
}
