import type { ErrorCode } from './errors.ts';

const VERSION = 0x01;
const IDENTIFIER = 0x02;
const UNAVAILABLE = 0x03;
const CREDENTIALS = 0x04;
const NOT_AUTHORIZED = 0x05;

export type ConnackCode311 = 0x01 | 0x02 | 0x03 | 0x04 | 0x05;

const CONNACK_311: Record<ErrorCode, ConnackCode311> = {
  'topic.invalid': NOT_AUTHORIZED,
  'topic.too-long': NOT_AUTHORIZED,
  'topic.too-deep': NOT_AUTHORIZED,
  'filter.invalid': NOT_AUTHORIZED,
  'payload.invalid': NOT_AUTHORIZED,
  'contract.violated': NOT_AUTHORIZED,
  'payload.too-large': NOT_AUTHORIZED,
  'protocol.malformed': NOT_AUTHORIZED,
  'protocol.error': NOT_AUTHORIZED,
  'protocol.unsupported-version': VERSION,
  'protocol.unsupported': NOT_AUTHORIZED,
  'protocol.receive-maximum': NOT_AUTHORIZED,
  'protocol.topic-alias': NOT_AUTHORIZED,
  'client-id.invalid': IDENTIFIER,
  'qos.unsupported': NOT_AUTHORIZED,
  'retain.unsupported': NOT_AUTHORIZED,
  'share.unsupported': NOT_AUTHORIZED,
  'subprotocol.required': NOT_AUTHORIZED,
  'idempotency.mismatch': NOT_AUTHORIZED,
  'rate.limited': UNAVAILABLE,
  'quota.exceeded': UNAVAILABLE,
  'auth.required': NOT_AUTHORIZED,
  'auth.failed': CREDENTIALS,
  'auth.method': NOT_AUTHORIZED,
  'auth.denied': NOT_AUTHORIZED,
  'session.taken-over': NOT_AUTHORIZED,
  'keepalive.timeout': UNAVAILABLE,
  'server.draining': UNAVAILABLE,
  'slow-consumer': UNAVAILABLE,
  'bus.unavailable': UNAVAILABLE,
  'bus.timeout': UNAVAILABLE,
  'bus.refused': UNAVAILABLE,
  'bus.overloaded': UNAVAILABLE,
  'bus.no-responders': UNAVAILABLE,
  'device.unknown': NOT_AUTHORIZED,
  'device.offline': UNAVAILABLE,
  'device.no-answer': UNAVAILABLE,
  'config.invalid': UNAVAILABLE,
  'not-found': NOT_AUTHORIZED,
  defect: UNAVAILABLE,
};

/**
 * Return code of an MQTT 3.1 or 3.1.1 CONNACK that refuses the connection ([MQTT3-3.2.2-3], table 3.1). There are five: what will not
 * succeed when repeated is 0x05 (clients stop), what may is 0x03 (clients try again). For a CONNECT that breaks the protocol the
 * server closes without a CONNACK [MQTT3-3.1.4-1]: the door's business.
 */
export function toConnackCode311(code: ErrorCode): ConnackCode311 {
  return CONNACK_311[code];
}
