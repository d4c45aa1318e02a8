import type { Properties } from '@trivium/contracts';
import type { PacketProperties } from './codec/properties.ts';

type Draft = { -readonly [K in keyof Properties]: Properties[K] };

/** What a message takes along of the properties of its PUBLISH or will; undefined: nothing. Its expiry becomes a time. */
export function messageProperties(
  packet: PacketProperties | undefined,
  nowMs: number,
): Properties | undefined {
  if (packet === undefined) return undefined;
  const { payloadFormat, messageExpirySeconds, contentType, responseTopic, correlationData, userProperties } =
    packet;
  const taken: Draft = {};
  if (payloadFormat !== undefined) taken.payloadFormat = payloadFormat;
  if (messageExpirySeconds !== undefined) taken.expiresAt = nowMs + messageExpirySeconds * 1_000;
  if (contentType !== undefined) taken.contentType = contentType;
  if (responseTopic !== undefined) taken.responseTopic = responseTopic;
  if (correlationData !== undefined) taken.correlationData = Buffer.from(correlationData);
  if (userProperties !== undefined) taken.userProperties = userProperties;
  return Object.keys(taken).length === 0 ? undefined : taken;
}

/** The same for the PUBLISH to a receiver: the time that is left [MQTT-3.3.2-6], the others as they were sent. */
export function packetProperties(
  message: Properties | undefined,
  nowMs: number,
): PacketProperties | undefined {
  if (message === undefined) return undefined;
  const {
    payloadFormat,
    expiresAt,
    contentType,
    responseTopic,
    correlationData,
    userProperties,
    traceparent,
    tracestate,
  } = message;
  const packet: PacketProperties = {};
  if (payloadFormat !== undefined) packet.payloadFormat = payloadFormat;
  if (expiresAt !== undefined)
    packet.messageExpirySeconds = Math.min(0xffff_ffff, Math.max(1, Math.ceil((expiresAt - nowMs) / 1_000)));
  if (contentType !== undefined) packet.contentType = contentType;
  if (responseTopic !== undefined) packet.responseTopic = responseTopic;
  if (correlationData !== undefined) packet.correlationData = Buffer.from(correlationData);
  const pairs = userProperties?.map(([name, value]): [string, string] => [name, value]) ?? [];
  if (traceparent !== undefined) pairs.push(['traceparent', traceparent]);
  if (tracestate !== undefined) pairs.push(['tracestate', tracestate]);
  if (pairs.length > 0) packet.userProperties = pairs;
  return packet;
}

/** Whether a message may not be delivered any more [MQTT-3.3.2-5]. */
export function isExpired(message: Properties | undefined, nowMs: number): boolean {
  return message?.expiresAt !== undefined && message.expiresAt <= nowMs;
}
