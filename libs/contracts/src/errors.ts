/**
 * What the caller should do. `rejected`: do not repeat it as it is. `retryable`: repeat it later, the outcome may be unknown.
 * `overloaded`: slow down, then repeat. `defect`: a fault of the hub; report it.
 */
export type ErrorCategory = 'rejected' | 'retryable' | 'overloaded' | 'defect';

export interface ErrorEntry {
  readonly category: ErrorCategory;
  /** Whether code and message may leave the hub. Clients see the others as `defect`. */
  readonly public: boolean;
  /** One sentence for the reference, and the message when there is no better one. */
  readonly summary: string;
}

const rejected = (summary: string): ErrorEntry => ({ category: 'rejected', public: true, summary });
const retryable = (summary: string): ErrorEntry => ({ category: 'retryable', public: true, summary });
const overloaded = (summary: string): ErrorEntry => ({ category: 'overloaded', public: true, summary });

/** Every error that the hub knows. A new code does not compile until each protocol maps it. */
export const ERRORS = {
  'topic.invalid': rejected(
    'The topic name breaks the rules of MQTT: empty, a wildcard, U+0000 or a lone surrogate.',
  ),
  'topic.too-long': rejected('The topic has more bytes of UTF-8 than this hub accepts.'),
  'topic.too-deep': rejected('The topic has more levels than this hub accepts.'),
  'filter.invalid': rejected('The topic filter breaks the rules of MQTT.'),
  'payload.invalid': rejected('The payload or its description is not what it claims to be.'),
  'contract.violated': rejected('The message breaks the contract that the site has for its topic.'),
  'payload.too-large': rejected('The message is larger than this hub accepts.'),
  'protocol.malformed': rejected('The bytes cannot be read as this protocol.'),
  'protocol.error': rejected('Well-formed, but not allowed here by the protocol.'),
  'protocol.unsupported-version': rejected('This version of the protocol is not spoken here.'),
  'protocol.unsupported': rejected('A legal request for something that this hub does not offer.'),
  'protocol.receive-maximum': rejected('More messages are unacknowledged than the receiver allows at once.'),
  'protocol.topic-alias': rejected('The topic alias is 0, above the maximum, or stands for no topic yet.'),
  'client-id.invalid': rejected('The client id is missing, too long or not allowed.'),
  'qos.unsupported': rejected('This quality of service is not offered here.'),
  'retain.unsupported': rejected('Retained messages are not offered here.'),
  'share.unsupported': rejected('Shared subscriptions are not offered here.'),
  'subprotocol.required': rejected('The WebSocket request names no subprotocol that this hub speaks.'),
  'idempotency.mismatch': rejected('This idempotency key was used for another message before.'),
  'rate.limited': overloaded('Too many messages or connections in a short time.'),
  'quota.exceeded': rejected('A limit on what one client may hold has been reached.'),
  'auth.required': rejected('Credentials are needed.'),
  'auth.failed': rejected('The credentials are not valid.'),
  'auth.method': rejected('This method of authentication is not offered here.'),
  'auth.denied': rejected('The policy does not allow this.'),
  'session.taken-over': rejected('Another connection with the same client id has taken over.'),
  'keepalive.timeout': retryable(
    'Nothing was heard from the client for one and a half times its keep-alive.',
  ),
  'server.draining': retryable('This process is shutting down; another one, or the next one, will serve.'),
  'slow-consumer': overloaded('The client does not read fast enough.'),
  'bus.unavailable': retryable('The bus is not connected; whether the message was stored is unknown.'),
  'bus.timeout': retryable('The bus did not answer in time; whether the message was stored is unknown.'),
  'bus.refused': retryable('The bus did not store the message.'),
  'bus.overloaded': overloaded('Too many messages wait for the bus.'),
  'bus.no-responders': {
    category: 'retryable',
    public: false,
    summary: 'No process serves this internal request at the moment.',
  },
  'device.unknown': rejected('There is no device with this id.'),
  'device.offline': retryable('The device is not connected.'),
  'device.no-answer': retryable('The device did not answer in time; it may have acted all the same.'),
  'config.invalid': { category: 'rejected', public: false, summary: 'The configuration has errors.' },
  'not-found': rejected('There is nothing at this address.'),
  defect: { category: 'defect', public: false, summary: 'A fault of the hub, not of the request.' },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}
