import type { TopicLimits } from '@trivium/contracts';
import { parseFilter, parseShare, parseTopic } from '@trivium/contracts';
import type { ProtocolLevel } from './packet-type.ts';

/** What the protocol itself allows. What a door allows is less, and answered instead of treated as malformed. */
const PROTOCOL_LIMITS: TopicLimits = { maxTopicBytes: 65_535, maxTopicLevels: 65_536 };

/** What is wrong with the form of a topic name: [MQTT3-4.7.1-1], [MQTT3-4.7.3-1], [MQTT3-3.3.2-2]. */
export function topicFault(topic: string): string | undefined {
  const parsed = parseTopic(topic, PROTOCOL_LIMITS);
  return parsed.ok ? undefined : parsed.error.message;
}

/**
 * What is wrong with the form of a topic filter: [MQTT3-4.7.1-2], [MQTT3-4.7.1-3], [MQTT3-4.7.3-1], and in MQTT 5 of a shared
 * subscription [MQTT-4.8.2-1], [MQTT-4.8.2-2]. Before 5 `$share/` has no form of its own.
 */
export function filterFault(filter: string, level: ProtocolLevel): string | undefined {
  const parsed = parseFilter(filter, PROTOCOL_LIMITS);
  if (parsed.ok) return undefined;
  if (parsed.error.code !== 'share.unsupported') return parsed.error.message;
  const share = level < 5 ? undefined : parseShare(filter, PROTOCOL_LIMITS);
  return share === undefined || share.ok ? undefined : share.error.message;
}

/** Whether a filter, or what begins like one, asks for a shared subscription. */
export function isShared(filter: string): boolean {
  const parsed = parseFilter(filter, PROTOCOL_LIMITS);
  return !parsed.ok && parsed.error.code === 'share.unsupported';
}
