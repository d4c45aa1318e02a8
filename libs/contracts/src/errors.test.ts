import { describe, expect, test } from 'vitest';
import { toConnackCode311 } from './connack-code.ts';
import { ERRORS, isErrorCode } from './errors.ts';
import { toHttpStatus } from './http-status.ts';
import { toMqttReason } from './mqtt-reason.ts';
import { toWsClose } from './ws-close.ts';
import type { ErrorCode } from './errors.ts';
import type { ReasonPacket } from './mqtt-reason.ts';

const codes = Object.keys(ERRORS) as ErrorCode[];
const PACKETS: ReasonPacket[] = ['connack', 'puback', 'pubrec', 'suback', 'unsuback', 'disconnect'];

/** Reason codes a server may send, per packet: tables 3-1, 3-4, 3-5, 3-8, 3-9 and 3-13 of MQTT 5. */
const STANDARD: Record<ReasonPacket, string> = {
  connack: '80 81 82 83 84 85 86 87 88 89 8a 8c 90 95 97 99 9a 9b 9c 9d 9f',
  puback: '80 83 87 90 91 97 99',
  pubrec: '80 83 87 90 91 97 99',
  suback: '80 83 87 8f 91 97 9e a1 a2',
  unsuback: '80 83 87 8f 91',
  disconnect: '80 81 82 83 87 89 8b 8d 8e 8f 90 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f a0 a1 a2',
};

describe.each(codes)('%s', (code) => {
  const { category, summary } = ERRORS[code];

  test('has a summary that is one sentence', () => expect(summary).toMatch(/^[A-Z].*[^.]\.$/));

  test('has an HTTP status of its category', () => {
    const allowed = {
      rejected: [400, 401, 403, 404, 409, 413, 422, 429, 500, 501],
      retryable: [408, 409, 503, 504],
      overloaded: [429, 503],
      defect: [500],
    }[category];
    expect(allowed).toContain(toHttpStatus(code));
  });

  test('[MQTT-3.2.2-8] [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.9.3-2] [MQTT-3.11.3-2] [MQTT-3.14.2-1] has a reason that each packet may carry', () => {
    for (const packet of PACKETS)
      expect(STANDARD[packet].split(' ')).toContain(toMqttReason(code, packet).toString(16));
  });

  test('[MQTT3-3.2.2-6] has a CONNACK code of table 3.1, and one that makes the client try again when that helps', () => {
    const connack = toConnackCode311(code);
    // Others of the principal's connections may end.
    const isFinal = category === 'rejected' && code !== 'config.invalid' && code !== 'quota.exceeded';
    if (isFinal) expect([1, 2, 4, 5]).toContain(connack);
    else expect(connack).toBe(3);
  });

  test('[RFC6455-7.4] has a close code that an endpoint may send', () => {
    const close = toWsClose(code);
    const registered = close >= 1000 && close <= 1014 && ![1004, 1005, 1006].includes(close);
    expect(registered || (close >= 4000 && close <= 4999)).toBe(true);
  });
});

test.each<[ErrorCode, number, number, number, number]>([
  ['payload.too-large', 413, 0x95, 0x05, 1009],
  ['contract.violated', 422, 0x99, 0x05, 1008],
  ['auth.failed', 401, 0x86, 0x04, 4401],
  ['auth.denied', 403, 0x87, 0x05, 4403],
  ['protocol.unsupported-version', 400, 0x84, 0x01, 1002],
  ['client-id.invalid', 400, 0x85, 0x02, 1008],
  ['session.taken-over', 409, 0x8e, 0x05, 4409],
  ['server.draining', 503, 0x8b, 0x03, 1012],
  ['bus.unavailable', 503, 0x88, 0x03, 1013],
  ['bus.timeout', 504, 0x88, 0x03, 1013],
  ['device.unknown', 404, 0x83, 0x05, 1008],
  ['device.offline', 409, 0x83, 0x03, 1013],
  ['device.no-answer', 504, 0x83, 0x03, 1013],
  ['defect', 500, 0x80, 0x03, 1011],
])('%s is HTTP %i, MQTT 5 %i, CONNACK %i, WebSocket %i', (code, http, reason, connack, close) => {
  expect([toHttpStatus(code), toMqttReason(code), toConnackCode311(code), toWsClose(code)]).toEqual([
    http,
    reason,
    connack,
    close,
  ]);
});

test('a reason that a packet may not carry gives way to the next best', () => {
  expect(toMqttReason('bus.unavailable', 'connack')).toBe(0x88);
  expect(toMqttReason('bus.unavailable', 'disconnect')).toBe(0x89);
  expect(toMqttReason('bus.unavailable', 'puback')).toBe(0x80);
  expect(toMqttReason('server.draining', 'connack')).toBe(0x88);
  expect(toMqttReason('share.unsupported', 'suback')).toBe(0x9e);
  expect(toMqttReason('qos.unsupported', 'puback')).toBe(0x83);
});

test('isErrorCode knows the codes and nothing that objects inherit', () => {
  expect(codes.every(isErrorCode)).toBe(true);
  expect(['toString', '__proto__', '', 'ECONNREFUSED', 1, null, undefined].some(isErrorCode)).toBe(false);
});
