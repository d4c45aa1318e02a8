import { Type } from 'typebox';
import { isCommandTopic } from './command.ts';
import { JsonProperties, propertiesFromJson, propertiesToJson } from './json-properties.ts';
import { payloadFromJson, payloadMember, payloadToJson } from './json-payload.ts';
import { check } from './json-schema.ts';
import { accept, refuse } from './result.ts';
import { DEFAULT_TOPIC_LIMITS, parseTopic } from './topic.ts';
import type { Static } from 'typebox';
import type { Message, QoS } from './message.ts';
import type { Result } from './result.ts';
import type { TopicLimits } from './topic.ts';

/** A message to publish as JSON: `pub` of trivium.v1, an element of an HTTP batch. Other members are left to the caller. */
export const JsonMessage = Type.Object({
  topic: Type.String(),
  payload: Type.Optional(
    Type.Unknown({ description: 'A string is its UTF-8 bytes, any other value its JSON text.' }),
  ),
  payloadBase64: Type.Optional(Type.String()),
  qos: Type.Optional(Type.Union([Type.Literal(0), Type.Literal(1)])),
  retain: Type.Optional(Type.Boolean()),
  contentType: Type.Optional(Type.String()),
  properties: Type.Optional(JsonProperties),
});
export type JsonMessage = Static<typeof JsonMessage>;

/** A message as it is told in JSON: `msg` of trivium.v1, `data` of an SSE `message`. */
export interface JsonDelivery {
  readonly op: 'msg';
  readonly topic: string;
  readonly payload?: unknown;
  readonly payloadBase64?: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly contentType?: string;
  readonly properties?: JsonProperties;
  /** Position in the log; durable messages only. */
  readonly pos?: number;
}

export interface FromJsonOptions {
  readonly nowMs: number;
  readonly limits?: TopicLimits;
  /** The text that the value was parsed from: a payload that is JSON is then taken from it byte for byte. */
  readonly json?: string;
}

/** The message in a parsed JSON value, every field checked. QoS 0 and no retain unless it says so. */
export function messageFromJson(value: unknown, options: FromJsonOptions): Result<Message> {
  if (asksForQos2(value)) return refuse('qos.unsupported', 'QoS 2 is for MQTT only');
  const json = check(JsonMessage, value);
  if (!json.ok) return json;
  const { qos = 0, retain = false, contentType } = json.value;
  const topic = parseTopic(json.value.topic, options.limits ?? DEFAULT_TOPIC_LIMITS);
  if (!topic.ok) return topic;
  if (isCommandTopic(topic.value)) return refuse('auth.denied', 'topics below cmd/ are for commands');
  const payload = payloadFromJson(json.value, options.json);
  if (!payload.ok) return payload;
  const properties = propertiesFromJson(json.value.properties, contentType, options.nowMs);
  if (!properties.ok) return properties;
  const message = { topic: topic.value, payload: payload.value, qos, retain };
  return accept(properties.value === undefined ? message : { ...message, properties: properties.value });
}

function asksForQos2(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'qos' in value && value.qos === 2;
}

/** The `msg` object of a message; `pos` for durable ones. To send it, `messageToJsonText` is faster and keeps embedded JSON byte for byte. */
export function messageToJson(message: Message, pos?: number): JsonDelivery {
  const { topic, payload, qos, retain, properties } = message;
  const contentType = properties?.contentType;
  const rest = propertiesToJson(properties);
  return {
    op: 'msg',
    topic,
    ...payloadToJson(payload, contentType),
    qos,
    retain,
    ...(contentType === undefined ? {} : { contentType }),
    ...(rest === undefined ? {} : { properties: rest }),
    ...(pos === undefined ? {} : { pos }),
  };
}

/** The text of the `msg` object. A payload that is JSON under `application/json` is embedded as it is, line breaks included. */
export function messageToJsonText(message: Message, pos?: number): string {
  const { topic, payload, qos, retain, properties } = message;
  const contentType = properties?.contentType;
  let text = `{"op":"msg","topic":${JSON.stringify(topic)},${payloadMember(payload, contentType)},"qos":${qos},"retain":${retain}`;
  if (contentType !== undefined) text += `,"contentType":${JSON.stringify(contentType)}`;
  const rest = propertiesToJson(properties);
  if (rest !== undefined) text += `,"properties":${JSON.stringify(rest)}`;
  if (pos !== undefined) text += `,"pos":${pos}`;
  return `${text}}`;
}
