import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PacketReader } from './packet-reader.ts';
import { connectPacket, publishTemplate, subscribePacket } from './packets.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('[MQTT3-3.1.2-1] CONNECT: protocol MQTT level 4, keep alive off, clean session as asked', () => {
  expect(connectPacket('me', true)).toEqual(hex('10 0e 0004 4d515454 04 02 0000 0002 6d65'));
  expect(connectPacket('me', false)).toEqual(hex('10 0e 0004 4d515454 04 00 0000 0002 6d65'));
});

test('[MQTT3-3.8.1-1] SUBSCRIBE has the reserved bits 0010', () => {
  expect(subscribePacket(7, 'b/#', 1)).toEqual(hex('82 08 0007 0003 622f23 01'));
});

test('PUBLISH: packet id at QoS 1 only, publisher and sequence where they are written', () => {
  const zero = publishTemplate('b/1', 0, 16, 9);
  expect(zero.bytes).toEqual(hex('30 15 0003 622f31 0000000000000000 00000009 00000000'));
  expect(zero.payloadAt).toBe(7);
  const one = publishTemplate('b/1', 1, 18, 9);
  one.bytes.writeUInt16BE(0x0201, one.idAt);
  one.bytes.writeUInt32BE(77, one.payloadAt + 12);
  expect(one.bytes).toEqual(hex('32 19 0003 622f31 0201 0000000000000000 00000009 0000004d 7172'));
});

test('the remaining length takes one byte up to 127 and grows in steps of 7 bits', () => {
  const lengthBytes = (payloadBytes: number) => publishTemplate('b', 0, payloadBytes, 0).bytes;
  expect(lengthBytes(124).subarray(0, 3)).toEqual(hex('30 7f 00'));
  expect(lengthBytes(125).subarray(0, 4)).toEqual(hex('30 8001 00'));
  expect(lengthBytes(16_381).subarray(0, 5)).toEqual(hex('30 808001 00'));
});

test('packets come out whole however the stream is cut', () => {
  const sizes = [16, 17, 100, 130, 20_000, 20];
  const sent = sizes.map((size, i) => publishTemplate('a/b', 0, size, i).bytes);
  const stream = Buffer.concat(sent);
  const scratch = Buffer.alloc(stream.length);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: stream.length }), { maxLength: 20 }), (cuts) => {
      const got: Buffer[] = [];
      const reader = new PacketReader((first, bytes, start, end) => {
        expect(first).toBe(0x30);
        got.push(Buffer.from(bytes.subarray(start, end)));
      });
      let from = 0;
      for (const to of [...cuts.toSorted((a, b) => a - b), stream.length]) {
        reader.push(scratch.subarray(0, stream.copy(scratch, 0, from, to)));
        scratch.fill(0);
        from = to;
      }
      expect(got).toEqual(sent.map((bytes, i) => bytes.subarray(bytes.length - 5 - (sizes[i] as number))));
    }),
  );
});

test('a remaining length of five bytes is an error', () => {
  const reader = new PacketReader(() => undefined);
  expect(() => reader.push(hex('30 ffffffff 01'))).toThrow(/malformed remaining length/);
});

test('the same of MQTT 5, without properties', () => {
  expect(connectPacket('me', true, 5)).toEqual(hex('10 0f 0004 4d515454 05 02 0000 00 0002 6d65'));
  expect(subscribePacket(7, 'b/#', 1, 5)).toEqual(hex('82 09 0007 00 0003 622f23 01'));
  const { bytes, idAt, payloadAt } = publishTemplate('b/1', 1, 16, 9, 5);
  expect(bytes.subarray(0, payloadAt)).toEqual(hex('32 18 0003 622f31 0000 00'));
  expect([idAt, payloadAt]).toEqual([7, 10]);
});
