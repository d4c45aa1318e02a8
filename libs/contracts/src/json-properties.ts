import { Type } from 'typebox';
import { fromBase64, toBase64 } from './base64.ts';
import { checkProperties } from './properties-check.ts';
import { accept, refuse } from './result.ts';
import type { Static } from 'typebox';
import type { Properties } from './message.ts';
import type { Result } from './result.ts';

/** `properties` of a message written as JSON. */
export const JsonProperties = Type.Object(
  {
    responseTopic: Type.Optional(Type.String({ description: 'Where to send the reply.' })),
    correlationData: Type.Optional(Type.String({ description: 'Base64.' })),
    payloadFormat: Type.Optional(
      Type.Union([Type.Literal(0), Type.Literal(1)], { description: '1: the payload is UTF-8.' }),
    ),
    messageExpiry: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 0xffffffff,
        description: 'Seconds from now; in what is published.',
      }),
    ),
    expiresAt: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Milliseconds since the epoch.',
      }),
    ),
    userProperties: Type.Optional(
      Type.Array(Type.Tuple([Type.String(), Type.String()]), {
        description: 'Pairs of name and value, in order.',
      }),
    ),
    traceparent: Type.Optional(Type.String({ description: 'W3C Trace Context.' })),
    tracestate: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);
export type JsonProperties = Static<typeof JsonProperties>;

/** The properties of a message that came as JSON and passed the schema; `nowMs` turns `messageExpiry` into a time. `undefined`: none. */
export function propertiesFromJson(
  json: JsonProperties | undefined,
  contentType: string | undefined,
  nowMs: number,
): Result<Properties | undefined> {
  const { correlationData, messageExpiry, expiresAt, ...same } = json ?? {};
  if (messageExpiry !== undefined && expiresAt !== undefined)
    return refuse('payload.invalid', 'messageExpiry and expiresAt exclude each other');
  const correlation = correlationData === undefined ? undefined : fromBase64(correlationData);
  if (correlationData !== undefined && correlation === undefined)
    return refuse('payload.invalid', 'correlationData is not base64');
  const expiry = messageExpiry === undefined ? expiresAt : nowMs + messageExpiry * 1000;
  const properties: Properties = {
    ...(contentType === undefined ? {} : { contentType }),
    ...same,
    ...(correlation === undefined ? {} : { correlationData: correlation }),
    ...(expiry === undefined ? {} : { expiresAt: expiry }),
  };
  return Object.keys(properties).length === 0 ? accept(undefined) : checkProperties(properties);
}

/** `properties` as JSON, without the content type (a field of the message there); `undefined` when nothing is left. */
export function propertiesToJson(properties: Properties | undefined): JsonProperties | undefined {
  if (properties === undefined) return undefined;
  const { contentType: _, correlationData, userProperties, ...same } = properties;
  const json: JsonProperties = {
    ...same,
    ...(correlationData === undefined ? {} : { correlationData: toBase64(correlationData) }),
    ...(userProperties === undefined
      ? {}
      : { userProperties: userProperties.map(([name, value]) => [name, value]) }),
  };
  return Object.keys(json).length === 0 ? undefined : json;
}
