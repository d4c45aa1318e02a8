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
} from '../testing/client-packets.ts';
import { code, none, value } from '../testing/decoded.ts';
import { decodeControlPacket } from './decode.ts';
import { AFTER_CONNECT } from './first-byte.ts';
import { FrameSplitter } from './frame-splitter.ts';
import type { ConnectPacket } from './packets.ts';

const MALFORMED = 'protocol.malformed';
const PROTOCOL_ERROR = 'protocol.error';
const will = { topic: 'w', payload: Buffer.from('x'), qos: 1 as const, retain: false, properties: undefined };

/** CONNECT with these flags, and these fields after the keep alive and what properties there are. */
function rawConnect(level: 4 | 5, flags: number, ...fields: (Buffer | number[])[]): Buffer {
  return packet(0x10, field('MQTT'), [level, flags], u16(0), none(level), ...fields);
}

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
