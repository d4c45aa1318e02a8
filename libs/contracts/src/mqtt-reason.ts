import type { ErrorCode } from './errors.ts';

/** MQTT 5 packets in which the server gives a reason (section 2.4, table 2-6). */
export type ReasonPacket = 'connack' | 'puback' | 'pubrec' | 'suback' | 'unsuback' | 'disconnect';

const UNSPECIFIED = 0x80;

/** The reasons of 0x80 and above that each packet may carry from a server, without 0x80 itself: all may carry that. */
const ALLOWED: Record<ReasonPacket, ReadonlySet<number>> = {
  connack: new Set([
    0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b,
    0x9c, 0x9d, 0x9f,
  ]),
  puback: new Set([0x83, 0x87, 0x90, 0x91, 0x97, 0x99]),
  pubrec: new Set([0x83, 0x87, 0x90, 0x91, 0x97, 0x99]),
  suback: new Set([0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2]),
  unsuback: new Set([0x83, 0x87, 0x8f, 0x91]),
  disconnect: new Set([
    0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
    0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ]),
};

/** The best reason first; the others stand in where a packet may not carry it. */
const MQTT_REASON: Record<ErrorCode, readonly [number, ...number[]]> = {
  'topic.invalid': [0x90],
  'topic.too-long': [0x90, 0x8f],
  'topic.too-deep': [0x90, 0x8f],
  'filter.invalid': [0x8f],
  'payload.invalid': [0x99],
  'contract.violated': [0x99],
  'payload.too-large': [0x95, 0x97],
  'protocol.malformed': [0x81],
  'protocol.error': [0x82],
  'protocol.unsupported-version': [0x84],
  'protocol.unsupported': [0x83],
  'protocol.receive-maximum': [0x93],
  'protocol.topic-alias': [0x94],
  'client-id.invalid': [0x85],
  'qos.unsupported': [0x9b, 0x83],
  'retain.unsupported': [0x9a, 0x83],
  'share.unsupported': [0x9e, 0x83],
  'subprotocol.required': [0x83],
  'idempotency.mismatch': [0x83],
  'rate.limited': [0x96, 0x9f, 0x97],
  'quota.exceeded': [0x97],
  'auth.required': [0x87],
  'auth.failed': [0x86, 0x87],
  'auth.method': [0x8c],
  'auth.denied': [0x87],
  'session.taken-over': [0x8e],
  'keepalive.timeout': [0x8d],
  'server.draining': [0x8b, 0x88],
  'slow-consumer': [0x97],
  'bus.unavailable': [0x88, 0x89],
  'bus.timeout': [0x88, 0x89],
  'bus.refused': [0x97],
  'bus.overloaded': [0x89, 0x97],
  'bus.no-responders': [0x88, 0x89],
  'device.unknown': [0x83],
  'device.offline': [0x83],
  'device.no-answer': [0x83],
  'config.invalid': [0x80],
  'not-found': [0x83],
  defect: [0x80],
};

/**
 * MQTT 5 reason code of an error. With `packet`, one that this packet may carry (0x80 when none of ours is allowed there);
 * without, the most precise one, for logs and documentation.
 */
export function toMqttReason(code: ErrorCode, packet?: ReasonPacket): number {
  const reasons = MQTT_REASON[code];
  if (packet === undefined) return reasons[0];
  const allowed = ALLOWED[packet];
  for (const reason of reasons) if (allowed.has(reason)) return reason;
  return UNSPECIFIED;
}
