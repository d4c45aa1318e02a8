import type { Result } from '@trivium/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as any from '../testing/arbitraries.ts';
import {
  acknowledge,
  auth,
  connect,
  disconnect,
  encodeControlPacket,
  field,
  packet,
  PINGREQ,
  subscribe,
  u16,
  unsubscribe,
} from '../testing/client-packets.ts';
import { decodeControlPacket } from './decode.ts';
import { FrameSplitter } from './frame-splitter.ts';
import { AFTER_CONNECT } from './first-byte.ts';
import type { ProtocolLevel } from './packet-type.ts';
import type { ConnectPacket, ControlPacket } from './packets.ts';

/** What the codec makes of one packet: splitter and decoder together, as a connection uses them. */
function decode(bytes: Buffer, level: ProtocolLevel = 4): Result<ControlPacket> {
  const splitter = new FrameSplitter(1_000_000);
  splitter.accepted = AFTER_CONNECT[level];
  splitter.feed(bytes);
  if (!splitter.next()) return { ok: false, error: { code: splitter.fault ?? 'defect', message: 'header' } };
  return decodeControlPacket(splitter.first, splitter.buffer, splitter.start, splitter.end, level);
}

function value(bytes: Buffer, level: ProtocolLevel = 4): ControlPacket {
  const decoded = decode(bytes, level);
  if (!decoded.ok) throw new Error(decoded.error.message);
  return decoded.value;
}

function code(bytes: Buffer, level: ProtocolLevel = 4): string {
  const decoded = decode(bytes, level);
  return decoded.ok ? 'ok' : decoded.error.code;
}

const MALFORMED = 'protocol.malformed';
const PROTOCOL_ERROR = 'protocol.error';
const will = { topic: 'w', payload: Buffer.from('x'), qos: 1 as const, retain: false, properties: undefined };

/** CONNECT with these flags, and these fields after the keep alive and what properties there are. */
function rawConnect(level: 4 | 5, flags: number, ...fields: (Buffer | number[])[]): Buffer {
  return packet(0x10, field('MQTT'), [level, flags], u16(0), none(level), ...fields);
}

/** No properties. */
const none = (level: 4 | 5): number[] => (level === 5 ? [0] : []);

describe('every legal packet', () => {
  test('is decoded, and says again what it said', () => {
    const packets = any.level.chain((at) =>
      fc.record({ at: fc.constant(at), bytes: fc.oneof(any.connect(at), any.later(at)) }),
    );
    fc.assert(
      fc.property(packets, ({ at, bytes }) => {
        if (bytes[0]! >> 4 === 3) return;
        const decoded = value(bytes, at);
        const again = encodeControlPacket(decoded, at);
        // Properties may stand in any order, so equality is of what is meant.
        expect(value(again, at)).toEqual(decoded);
        if (at < 5) expect(again).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });
});

describe('CONNECT', () => {
  test.each([3, 4, 5] as const)('level %i with everything', (level) => {
    const username = 'u';
    const password = Buffer.from([0, 1, 255]);
    const decoded = value(
      connect({ level, clientId: 'id', clean: false, keepAliveSeconds: 65_535, will, username, password }),
    );
    expect(decoded).toMatchObject({
      level,
      clientId: 'id',
      clean: false,
      keepAliveSeconds: 65_535,
      username,
      password,
    });
    expect((decoded as ConnectPacket).will).toMatchObject({
      topic: 'w',
      payload: Buffer.from('x'),
      qos: 1,
      retain: false,
    });
  });

  test('[MQTT3-3.1.2-1] [MQTT-3.1.2-1] a wrong protocol name is malformed', () => {
    for (const level of [4, 5])
      for (const name of ['HTTP', 'mqtt', 'MQTt', ''])
        expect(code(packet(0x10, field(name), [level, 2], u16(0), [0], field('c')))).toBe(MALFORMED);
  });

  test.each([0, 3, 6, 0x84, 255])(
    '[MQTT3-3.1.2-2] [MQTT-3.1.2-2] protocol level %i of MQTT is an unsupported version',
    (level) => {
      expect(code(packet(0x10, field('MQTT'), [level, 2], u16(0), field('c')))).toBe(
        'protocol.unsupported-version',
      );
      // Whatever follows: another version may be built differently.
      expect(code(packet(0x10, field('MQTT'), [level]))).toBe('protocol.unsupported-version');
    },
  );

  test('MQIsdp is 3.1 and nothing else', () => {
    expect(code(packet(0x10, field('MQIsdp'), [4, 2], u16(0), field('c')))).toBe(
      'protocol.unsupported-version',
    );
  });

  test.each([4, 5] as const)('[MQTT3-3.1.2-3] [MQTT-3.1.2-3] the reserved flag is 0, level %i', (level) => {
    expect(code(rawConnect(level, 0x02, field('c')))).toBe('ok');
    expect(code(rawConnect(level, 0x03, field('c')))).toBe(MALFORMED);
  });

  test.each([4, 5] as const)(
    '[MQTT3-3.1.2-11] [MQTT3-3.1.2-13] [MQTT3-3.1.2-15] [MQTT-3.1.2-11] [MQTT-3.1.2-13] no will QoS and no will retain without a will, level %i',
    (level) => {
      for (const flags of [0x0a, 0x12, 0x22])
        expect(code(rawConnect(level, flags, field('c')))).toBe(MALFORMED);
    },
  );

  test.each([4, 5] as const)('[MQTT3-3.1.2-14] [MQTT-3.1.2-12] will QoS 3 is refused, level %i', (level) => {
    const rest = [field('c'), none(level), field('w'), field('m')];
    for (const flags of [0x06, 0x0e, 0x16]) expect(code(rawConnect(level, flags, ...rest))).toBe('ok');
    expect(code(rawConnect(level, 0x1e, ...rest))).toBe(MALFORMED);
  });

  test.each([4, 5] as const)(
    '[MQTT3-3.1.3-10] [MQTT-3.1.3-11] a will topic is a topic: UTF-8, not empty, no wildcards, level %i',
    (level) => {
      for (const topic of ['', 'a/#', '+', Buffer.from([0xff]), 'a\0'])
        expect(code(rawConnect(level, 0x06, field('c'), none(level), field(topic), field('m')))).toBe(
          MALFORMED,
        );
    },
  );

  test.each([4, 5] as const)(
    '[MQTT3-3.1.2-9] [MQTT3-3.1.2-11] [MQTT-3.1.2-9] the fields of a will are there when its flag is, and not otherwise, level %i',
    (level) => {
      const fields = [none(level), field('w'), field('m')];
      expect(code(rawConnect(level, 0x06, field('c'), ...fields))).toBe('ok');
      for (let count = 0; count < fields.length; count++)
        expect(code(rawConnect(level, 0x06, field('c'), ...fields.slice(0, count)))).toBe(MALFORMED);
      expect(code(rawConnect(level, 0x02, field('c'), ...fields))).toBe(MALFORMED);
    },
  );

  test('[MQTT3-3.1.2-22] no password without a user name before MQTT 5', () => {
    expect(code(rawConnect(4, 0x42, field('c'), field('p')))).toBe(MALFORMED);
    expect(code(connect({ level: 5, password: Buffer.from('p') }))).toBe('ok');
  });

  test.each([4, 5] as const)(
    '[MQTT3-3.1.2-18] [MQTT3-3.1.2-19] [MQTT3-3.1.2-20] [MQTT3-3.1.2-21] [MQTT-3.1.2-16] [MQTT-3.1.2-17] [MQTT-3.1.2-18] [MQTT-3.1.2-19] user name and password are there when their flags are, and not otherwise, level %i',
    (level) => {
      expect(code(rawConnect(level, 0xc2, field('c'), field('u'), field('p')))).toBe('ok');
      expect(code(rawConnect(level, 0x82, field('c')))).toBe(MALFORMED);
      expect(code(rawConnect(level, 0xc2, field('c'), field('u')))).toBe(MALFORMED);
      expect(code(rawConnect(level, 0x02, field('c'), field('u')))).toBe(MALFORMED);
      expect(code(rawConnect(level, 0x82, field('c'), field('u'), field('p')))).toBe(MALFORMED);
    },
  );

  test('MQTT 3.1 allows a flag whose user name or password is missing', () => {
    const old = (flags: number, ...fields: Buffer[]) =>
      packet(0x10, field('MQIsdp'), [3, flags], u16(0), ...fields);
    expect(value(old(0xc2, field('c')))).toMatchObject({ username: undefined, password: undefined });
    expect(value(old(0xc2, field('c'), field('u')))).toMatchObject({ username: 'u', password: undefined });
  });

  test.each([4, 5] as const)(
    '[MQTT3-3.1.3-4] [MQTT3-3.1.3-11] [MQTT-3.1.3-4] [MQTT-3.1.3-12] client id and user name are UTF-8, level %i',
    (level) => {
      expect(code(rawConnect(level, 0x02, field(Buffer.from([0xc3]))))).toBe(MALFORMED);
      expect(code(rawConnect(level, 0x82, field('c'), field(Buffer.from([0xed, 0xa0, 0x80]))))).toBe(
        MALFORMED,
      );
    },
  );

  test.each([4, 5] as const)(
    '[MQTT3-3.1.3-1] [MQTT3-3.1.3-3] [MQTT-3.1.3-1] [MQTT-3.1.3-3] the client id is there, and first; then will, user name, password, level %i',
    (level) => {
      expect(code(rawConnect(level, 0x02))).toBe(MALFORMED);
      const last = [field('u'), field('p')];
      const bytes = rawConnect(level, 0xc6, field('c'), none(level), field('w'), field('m'), ...last);
      expect(value(bytes)).toMatchObject({
        clientId: 'c',
        will: { topic: 'w', payload: Buffer.from('m') },
        username: 'u',
        password: Buffer.from('p'),
      });
    },
  );
});

describe('strings', () => {
  const filterOf = (bytes: number[]): string => {
    const [old, five] = ([4, 5] as const).map((level) =>
      code(packet(0x82, u16(1), none(level), field(Buffer.from(bytes)), [0]), level),
    );
    expect(old).toBe(five);
    return old!;
  };

  test('[MQTT3-1.5.3-1] [MQTT3-3.8.3-1] [MQTT-1.5.4-1] [MQTT-3.8.3-1] ill-formed UTF-8 is malformed: surrogates, overlong, cut short, beyond U+10FFFF', () => {
    for (const bytes of [
      [0xed, 0xa0, 0x80],
      [0xed, 0xbf, 0xbf],
      [0xc0, 0xaf],
      [0xe2, 0x82],
      [0x80],
      [0xf4, 0x90, 0x80, 0x80],
    ])
      expect(filterOf(bytes)).toBe(MALFORMED);
  });

  test('[MQTT3-1.5.3-2] [MQTT-1.5.4-2] U+0000 is malformed, beside ASCII and beside more', () => {
    expect(filterOf([0x61, 0x00])).toBe(MALFORMED);
    expect(filterOf([0xc3, 0xbc, 0x00])).toBe(MALFORMED);
  });

  test('[MQTT3-1.5.3-3] [MQTT-1.5.4-3] U+FEFF is a character like others, at the beginning too', () => {
    expect(value(subscribe(1, [{ filter: '\ufeffa\ufeff', qos: 0 }]))).toMatchObject({
      requests: [{ filter: '\ufeffa\ufeff' }],
    });
  });
});

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
});

describe('acknowledgements, PINGREQ, DISCONNECT, AUTH', () => {
  test.each(['puback', 'pubrec', 'pubrel', 'pubcomp'] as const)('%s', (type) => {
    expect(value(acknowledge(type, 0xabcd))).toEqual({
      type,
      packetId: 0xabcd,
      reason: 0,
      properties: undefined,
    });
    expect(code(acknowledge(type, 0))).toBe(PROTOCOL_ERROR);
    expect(code(packet(acknowledge(type, 1)[0]!, [1]))).toBe(MALFORMED);
    expect(code(packet(acknowledge(type, 1)[0]!, u16(1), [0]))).toBe(MALFORMED);
    expect(value(acknowledge(type, 1, 0), 5)).toMatchObject({ type, reason: 0 });
    expect(code(acknowledge(type, 1, 0x42), 5)).toBe(MALFORMED);
  });

  test.each([4, 5] as const)(
    '[MQTT3-3.6.1-1] [MQTT-3.6.1-1] the flags of PUBREL are 0010, those of the others 0000, level %i',
    (level) => {
      for (const first of [0x60, 0x61, 0x63, 0x66, 0x6a, 0x41, 0x52, 0x72])
        expect(code(packet(first, u16(1)), level)).toBe(MALFORMED);
    },
  );

  test('[MQTT3-2.2.2-1] [MQTT3-2.2.2-2] [MQTT3-3.14.1-1] [MQTT-2.1.3-1] [MQTT-3.14.1-1] [MQTT-3.15.1-1] PINGREQ, DISCONNECT and AUTH have no flags and, in 3.1.1, no body', () => {
    expect(value(PINGREQ)).toEqual({ type: 'pingreq' });
    expect(value(disconnect())).toMatchObject({ type: 'disconnect', reason: 0 });
    for (const bytes of [packet(0xc1), packet(0xe2), packet(0xc0, [0]), packet(0xe0, [0])])
      expect(code(bytes)).toBe(MALFORMED);
    for (const bytes of [packet(0xc1), packet(0xe2), packet(0xc0, [0]), packet(0xf2, [0x18, 0])])
      expect(code(bytes, 5)).toBe(MALFORMED);
  });

  test('[MQTT-3.14.2-1] DISCONNECT with a reason that a client may give', () => {
    expect(value(disconnect(4), 5)).toMatchObject({ reason: 4 });
    for (const reason of [0x8b, 0x8e, 0x42]) expect(code(disconnect(reason), 5)).toBe(MALFORMED);
  });

  test('[MQTT-3.15.2-1] AUTH is of MQTT 5, and a client may continue or begin again', () => {
    expect(code(auth(0x18, { authMethod: 'm' }), 4)).toBe(MALFORMED);
    expect(value(auth(0x18, { authMethod: 'm' }), 5)).toMatchObject({ type: 'auth', reason: 0x18 });
    expect(code(auth(), 5)).toBe('protocol.error');
    expect(code(auth(0x17), 5)).toBe(MALFORMED);
  });

  test('[MQTT-3.15.1-1] AUTH has no flags, and names its method once', () => {
    expect(code(packet(0xf1, [0x18, 4, 0x15, 0, 1, 109]), 5)).toBe(MALFORMED);
    expect(value(packet(0xf0, [0x18, 4, 0x15, 0, 1, 109]), 5)).toMatchObject({
      properties: { authMethod: 'm' },
    });
    expect(code(packet(0xf0, [0x18, 8, 0x15, 0, 1, 109, 0x15, 0, 1, 109]), 5)).toBe('protocol.error');
    for (const bytes of [auth(0x18), auth(0x19, {}), auth(0x18, { reasonString: 'why' })])
      expect(code(bytes, 5)).toBe('protocol.error');
  });

  test.each([0x00, 0x20, 0x90, 0xb0, 0xd0])(
    'a packet of a server, or none, begins with %i: malformed',
    (first) => {
      expect(code(packet(first, [0, 0]))).toBe(MALFORMED);
    },
  );

  test('[MQTT3-3.1.0-1] [MQTT-3.1.0-1] before CONNECT there is nothing else', () => {
    expect(decodeControlPacket(0xc0, Buffer.alloc(0), 0, 0, undefined)).toMatchObject({
      error: { code: 'protocol.error' },
    });
  });
});

test('the remaining length is used up exactly, by every packet', () => {
  const packets = any.level.chain((at) =>
    fc.record({ at: fc.constant(at), bytes: fc.oneof(any.connect(at), any.later(at)) }),
  );
  fc.assert(
    fc.property(packets, ({ at, bytes }) => {
      const type = bytes[0]! >> 4;
      // A SUBSCRIBE or UNSUBSCRIBE may go on with another filter, a PUBLISH with its payload.
      if (type === 3 || type === 8 || type === 10) return;
      const body = value(bytes, at);
      expect(body.type).toBeDefined();
      const splitter = new FrameSplitter(1_000_000);
      splitter.accepted = AFTER_CONNECT[at];
      splitter.feed(bytes);
      splitter.next();
      const rest = splitter.buffer.subarray(splitter.start, splitter.end);
      const longer = packet(bytes[0]!, rest, [0]);
      // One zero byte is a whole reason "success" where there was none, and an empty property list where there was a reason.
      if (at === 5 && type !== 1 && type !== 12) return;
      expect(code(longer, at)).not.toBe('ok');
    }),
  );
});
