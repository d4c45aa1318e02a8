import type { ErrorCode } from './errors.ts';

const HTTP_STATUS: Record<ErrorCode, number> = {
  'topic.invalid': 400,
  'topic.too-long': 400,
  'topic.too-deep': 400,
  'filter.invalid': 400,
  'payload.invalid': 400,
  'contract.violated': 422,
  'payload.too-large': 413,
  'protocol.malformed': 400,
  'protocol.error': 400,
  'protocol.unsupported-version': 400,
  'protocol.unsupported': 501,
  'protocol.receive-maximum': 429,
  'protocol.topic-alias': 400,
  'client-id.invalid': 400,
  'qos.unsupported': 400,
  'retain.unsupported': 501,
  'share.unsupported': 501,
  'subprotocol.required': 400,
  'idempotency.mismatch': 422,
  'rate.limited': 429,
  'quota.exceeded': 429,
  'auth.required': 401,
  'auth.failed': 401,
  'auth.method': 401,
  'auth.denied': 403,
  'session.taken-over': 409,
  'keepalive.timeout': 408,
  'server.draining': 503,
  'slow-consumer': 503,
  'bus.unavailable': 503,
  'bus.timeout': 504,
  'bus.refused': 503,
  'bus.overloaded': 503,
  'bus.no-responders': 503,
  'device.unknown': 404,
  'device.offline': 409,
  'device.no-answer': 504,
  'config.invalid': 500,
  'not-found': 404,
  defect: 500,
};

/** HTTP status (RFC 9110) of an error. */
export function toHttpStatus(code: ErrorCode): number {
  return HTTP_STATUS[code];
}
