import { accept, refuse } from './result.ts';
import { parseTopic } from './topic.ts';
import type { Properties } from './message.ts';
import type { Result } from './result.ts';

/** MQTT writes the length of strings and binary data in two bytes. */
const MAX_FIELD_BYTES = 65535;
const RESPONSE_TOPIC_LIMITS = { maxTopicBytes: MAX_FIELD_BYTES, maxTopicLevels: Infinity };

/** Whether text can be a UTF-8 string of an MQTT packet: well-formed, without U+0000, 65,535 bytes at most [MQTT-1.5.4-1, MQTT-1.5.4-2]. */
export function isMqttString(text: string): boolean {
  if (text.length > MAX_FIELD_BYTES || text.includes('\0') || !text.isWellFormed()) return false;
  return text.length * 3 <= MAX_FIELD_BYTES || utf8Length(text) <= MAX_FIELD_BYTES;
}

function utf8Length(wellFormed: string): number {
  let bytes = wellFormed.length;
  for (let i = 0; i < wellFormed.length; i++) {
    const c = wellFormed.charCodeAt(i);
    if (c >= 0x800 && (c < 0xd800 || c > 0xdfff)) bytes += 2;
    else if (c >= 0x80) bytes++;
  }
  return bytes;
}

/**
 * Properties that came by another protocol than MQTT, or why an MQTT subscriber could not be told them: `payload.invalid`, for the response
 * topic the code of `parseTopic` [MQTT-3.3.2-13, MQTT-3.3.2-14].
 */
export function checkProperties(properties: Properties): Result<Properties> {
  const { contentType, responseTopic, correlationData, userProperties } = properties;
  if (contentType !== undefined && !isMqttString(contentType))
    return refuse('payload.invalid', bad('contentType'));
  if (responseTopic !== undefined) {
    const topic = parseTopic(responseTopic, RESPONSE_TOPIC_LIMITS);
    if (!topic.ok) return refuse(topic.error.code, `responseTopic: ${topic.error.message}`);
  }
  if (correlationData !== undefined && correlationData.length > MAX_FIELD_BYTES)
    return refuse('payload.invalid', `correlationData has more than ${MAX_FIELD_BYTES} bytes`);
  for (const [name, value] of userProperties ?? [])
    if (!isMqttString(name) || !isMqttString(value)) return refuse('payload.invalid', bad('userProperties'));
  return accept(properties);
}

function bad(field: string): string {
  return `${field} contains U+0000 or a lone surrogate, or has more than ${MAX_FIELD_BYTES} bytes`;
}
