import { describe, expect, test } from 'vitest';
import { acknowledge, field, packet, subscribe, u16, unsubscribe } from '../testing/client-packets.ts';
import { code, none, value } from '../testing/decoded.ts';

const MALFORMED = 'protocol.malformed';
const PROTOCOL_ERROR = 'protocol.error';

describe('SUBSCRIBE and UNSUBSCRIBE', () => {
  test('filters in their order, with QoS', () => {
    const requests = [
      { filter: 'a/+/#', qos: 2 },
      { filter: 'ü', qos: 0 },
      { filter: '/', qos: 1 },
    ] as const;
    expect(value(subscribe(0x1234, requests))).toMatchObject({ packetId: 0x1234, requests });
    expect(value(unsubscribe(7, ['a', 'b/#']))).toMatchObject({ packetId: 7, filters: ['a', 'b/#'] });
  });

  test.each([3, 4, 5] as const)(
    '[MQTT3-3.8.1-1] [MQTT3-3.10.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] flags are 0010, level %i',
    (level) => {
      for (const first of [0x80, 0x81, 0x83, 0x86, 0xa0, 0xa3]) {
        const bytes = subscribe(1, [{ filter: 'a', qos: 0 }], level);
        bytes[0] = first;
        expect(code(bytes, level)).toBe(MALFORMED);
      }
    },
  );

  test('MQTT 3.1 repeats SUBSCRIBE, UNSUBSCRIBE and PUBREL with DUP', () => {
    for (const bytes of [
      subscribe(1, [{ filter: 'a', qos: 0 }]),
      unsubscribe(1, ['a']),
      acknowledge('pubrel', 1),
    ]) {
      bytes[0] = bytes[0]! | 8;
      expect([code(bytes, 3), code(bytes, 4)]).toEqual(['ok', MALFORMED]);
    }
  });

  test('[MQTT3-3.8.3-3] [MQTT3-3.10.3-2] [MQTT-3.8.3-2] [MQTT-3.10.3-2] at least one filter', () => {
    for (const first of [0x82, 0xa2]) {
      expect(code(packet(first, u16(1)))).toBe(PROTOCOL_ERROR);
      expect(code(packet(first, u16(1), [0]), 5)).toBe(PROTOCOL_ERROR);
    }
  });

  test('[MQTT3-3.8.3-4] [MQTT-3.8.3-5] reserved bits of the options are malformed; QoS 3 and retain handling 3 are errors', () => {
    for (const options of [3, 4, 8, 0x10, 0x20, 0x40, 0x80, 0xff])
      expect(code(packet(0x82, u16(1), field('a'), [options]))).toBe(MALFORMED);
    for (const options of [0x40, 0x80, 0xc0])
      expect(code(packet(0x82, u16(1), [0], field('a'), [options]), 5)).toBe(MALFORMED);
    for (const options of [3, 0x30])
      expect(code(packet(0x82, u16(1), [0], field('a'), [options]), 5)).toBe(PROTOCOL_ERROR);
  });

  test('[MQTT3-2.3.1-1] [MQTT-2.2.1-3] packet id 0 is refused', () => {
    for (const level of [4, 5] as const) {
      expect(code(subscribe(0, [{ filter: 'a', qos: 0 }], level), level)).toBe(PROTOCOL_ERROR);
      expect(code(unsubscribe(0, ['a'], level), level)).toBe(PROTOCOL_ERROR);
    }
  });

  test.each([4, 5] as const)(
    '[MQTT3-4.7.1-2] [MQTT3-4.7.1-3] [MQTT3-4.7.3-1] [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] a filter that is none is malformed, level %i',
    (level) => {
      for (const filter of ['', 'a#', '#/a', 'a/#/b', 'a+', '+a', 'a/b+/c']) {
        expect(code(subscribe(1, [{ filter, qos: 0 }], level), level)).toBe(MALFORMED);
        expect(code(unsubscribe(1, [filter], level), level)).toBe(MALFORMED);
      }
      for (const filter of ['#', '+', '/', '//', 'a/', '+/+', '/+/#', '$SYS/#'])
        expect(code(unsubscribe(1, [filter], level), level)).toBe('ok');
    },
  );

  test.each([4, 5] as const)(
    '[MQTT3-3.10.3-1] [MQTT-3.10.3-1] filters of UNSUBSCRIBE are UTF-8, level %i',
    (level) => {
      const bytes = packet(0xa2, u16(1), none(level), field('ok'), field(Buffer.from([0xc3, 0x28])));
      expect(code(bytes, level)).toBe(MALFORMED);
    },
  );

  test('the options of the last filter are there', () => {
    expect(code(packet(0x82, u16(1), field('a')))).toBe(MALFORMED);
  });

  test('[MQTT-4.8.2-1] [MQTT-4.8.2-2] the form of $share counts in MQTT 5 only', () => {
    for (const filter of ['$share/', '$share/g', '$share//f', '$share/g+/f', '$share/g/']) {
      expect(code(subscribe(1, [{ filter, qos: 0 }], 5), 5)).toBe(MALFORMED);
      expect(code(subscribe(1, [{ filter, qos: 0 }]))).toBe('ok');
    }
  });

  test('[MQTT-3.8.3-4] no local on a shared subscription is refused', () => {
    expect(code(subscribe(1, [{ filter: '$share/g/f', qos: 0, noLocal: true }], 5), 5)).toBe(PROTOCOL_ERROR);
  });

  test('filters beyond ten thousand in one packet are refused before they are read', () => {
    const filters = Array.from({ length: 10_001 }, (_, n) => n.toString(36));
    const requests = filters.map((filter) => ({ filter, qos: 1 as const }));
    for (const level of [4, 5] as const) {
      expect(code(subscribe(1, requests, level), level)).toBe('quota.exceeded');
      expect(code(unsubscribe(1, filters, level), level)).toBe('quota.exceeded');
      expect(code(subscribe(1, requests.slice(1), level), level)).toBe('ok');
      expect(code(unsubscribe(1, filters.slice(1), level), level)).toBe('ok');
    }
  });
});
