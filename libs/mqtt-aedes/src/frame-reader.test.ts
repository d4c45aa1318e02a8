import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader } from './frame-reader.ts';
import { PacketScanner } from './packet-scanner.ts';
import { frame } from './raw-client.fixture.ts';

const packet = fc
  .tuple(
    fc.integer({ min: 0, max: 255 }),
    fc.oneof(fc.nat(3), fc.nat(300), fc.constantFrom(127, 128, 16_383, 16_384)),
  )
  .map(([first, length]) => frame(first, Buffer.alloc(length, first)));

/** The same bytes, cut anywhere. */
const stream = fc
  .tuple(fc.array(packet, { minLength: 1, maxLength: 8 }), fc.array(fc.nat(70_000), { maxLength: 12 }))
  .map(([packets, cuts]) => {
    const bytes = Buffer.concat(packets);
    const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
    return { packets, chunks: ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end)) };
  });

describe('frame reader', () => {
  it('finds the same packets however the bytes are cut', () => {
    fc.assert(
      fc.property(stream, ({ packets, chunks }) => {
        const reader = new FrameReader(20_000);
        const found: Buffer[] = [];
        for (const chunk of chunks) expect(reader.add(chunk, found)).toBeUndefined();
        expect(found.map((each) => each.toString('hex'))).toEqual(
          packets.map((each) => each.toString('hex')),
        );
        expect(reader.pending).toBe(0);
      }),
    );
  });

  it('finds packets that come byte by byte', () => {
    const reader = new FrameReader(1_000);
    const found: Buffer[] = [];
    for (const byte of frame(0x30, Buffer.alloc(200, 7))) reader.add(Buffer.from([byte]), found);
    expect(found).toEqual([frame(0x30, Buffer.alloc(200, 7))]);
  });

  it('refuses a remaining length of five bytes', () => {
    const reader = new FrameReader(1_000);
    expect(reader.add(Buffer.from([0x30, 0x80, 0x80, 0x80]), [])).toBeUndefined();
    expect(reader.add(Buffer.from([0x80, 0x01]), [])).toBe('protocol.malformed');
  });

  it('refuses a packet that is too large by its header alone', () => {
    const whole = frame(0x30, Buffer.alloc(995));
    expect(new FrameReader(whole.length).add(whole.subarray(0, 3), [])).toBeUndefined();
    expect(new FrameReader(whole.length - 1).add(whole.subarray(0, 3), [])).toBe('payload.too-large');
  });
});

describe('packet scanner', () => {
  it('names the packets however the bytes are cut', () => {
    fc.assert(
      fc.property(stream, ({ packets, chunks }) => {
        const types: number[] = [];
        const scanner = new PacketScanner((type) => types.push(type));
        for (const chunk of chunks) scanner.scan(chunk);
        expect(types).toEqual(packets.map((each) => each[0]! >> 4));
      }),
    );
  });
});
