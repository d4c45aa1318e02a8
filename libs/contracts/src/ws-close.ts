import type { ErrorCode } from './errors.ts';

const WS_CLOSE: Record<ErrorCode, number> = {
  'topic.invalid': 1008,
  'topic.too-long': 1008,
  'topic.too-deep': 1008,
  'filter.invalid': 1008,
  'payload.invalid': 1007,
  'contract.violated': 1008,
  'payload.too-large': 1009,
  'protocol.malformed': 1002,
  'protocol.error': 1002,
  'protocol.unsupported-version': 1002,
  'protocol.unsupported': 1003,
  'protocol.receive-maximum': 1008,
  'protocol.topic-alias': 1002,
  'client-id.invalid': 1008,
  'qos.unsupported': 1008,
  'retain.unsupported': 1008,
  'share.unsupported': 1008,
  'subprotocol.required': 1002,
  'idempotency.mismatch': 1008,
  'rate.limited': 4429,
  'quota.exceeded': 1008,
  'auth.required': 4401,
  'auth.failed': 4401,
  'auth.method': 4401,
  'auth.denied': 4403,
  'session.taken-over': 4409,
  'keepalive.timeout': 4408,
  'server.draining': 1012,
  'slow-consumer': 1013,
  'bus.unavailable': 1013,
  'bus.timeout': 1013,
  'bus.refused': 1013,
  'bus.overloaded': 1013,
  'bus.no-responders': 1013,
  'device.unknown': 1008,
  'device.offline': 1013,
  'device.no-answer': 1013,
  'config.invalid': 1011,
  'not-found': 1008,
  defect: 1011,
};

/**
 * WebSocket close code of an error that ends the connection: [RFC6455-7.4.1], 1012 and 1013 of the IANA registry, and where a
 * browser must tell cases apart, 4000 plus the HTTP status [RFC6455-7.4.2].
 */
export function toWsClose(code: ErrorCode): number {
  return WS_CLOSE[code];
}
