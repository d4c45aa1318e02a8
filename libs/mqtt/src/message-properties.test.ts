import { expect, test } from 'vitest';
import { isExpired, messageProperties, packetProperties } from './message-properties.ts';

test('what travels goes there and back; the rest stays with the connection', () => {
  const packet = {
    ...{ payloadFormat: 1 as const, contentType: 'text/plain', responseTopic: 'r', topicAlias: 3 },
    correlationData: Buffer.from([0, 1]),
    userProperties: [
      ['b', '1'],
      ['a', '2'],
      ['b', '3'],
    ] as [string, string][],
  };
  const { topicAlias: _, ...travels } = packet;
  expect(packetProperties(messageProperties(packet, 0), 0)).toEqual(travels);
  expect(messageProperties({ topicAlias: 3 }, 0)).toBeUndefined();
  expect([messageProperties(undefined, 0), packetProperties(undefined, 0)]).toEqual([undefined, undefined]);
});

test('[MQTT-3.3.2-5] [MQTT-3.3.2-6] an expiry is a time on the way, and what is left of it at the end', () => {
  const message = messageProperties({ messageExpirySeconds: 10 }, 1_000);
  expect(message).toEqual({ expiresAt: 11_000 });
  expect(packetProperties(message, 4_500)).toEqual({ messageExpirySeconds: 7 });
  expect([isExpired(message, 10_999), isExpired(message, 11_000), isExpired(undefined, 1)]).toEqual([
    false,
    true,
    false,
  ]);
  expect(isExpired(messageProperties({ messageExpirySeconds: 0 }, 5), 5)).toBe(true);
});

test('the trace context is told to the receiver as user properties', () => {
  expect(packetProperties({ userProperties: [['a', '1']], traceparent: 'p', tracestate: 's' }, 0)).toEqual({
    userProperties: [
      ['a', '1'],
      ['traceparent', 'p'],
      ['tracestate', 's'],
    ],
  });
});
