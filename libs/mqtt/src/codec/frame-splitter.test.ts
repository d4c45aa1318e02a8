import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { connect as anyConnect, later, level } from '../testing/arbitraries.ts';
import { connect, packet, PINGREQ, publish } from '../testing/client-packets.ts';
import { AFTER_CONNECT } from './first-byte.ts';
import { FrameSplitter } from './frame-splitter.ts';

function splitterFor(max = 1_000_000): FrameSplitter {
  const splitter = new FrameSplitter(max);
  splitter.accepted = AFTER_CONNECT[4];
  return splitter;
}

/** Every packet that the splitter describes, as bytes with a header of the shortest form. */
function drain(splitter: FrameSplitter): Buffer[] {
  const found: Buffer[] = [];
  while (splitter.next()) {
    found.push(packet(splitter.first, splitter.buffer.subarray(splitter.start, splitter.end)));
  }
  return found;
}

test('empty chunks between others, as empty WebSocket messages are, change nothing', () => {
  const splitter = splitterFor();
  const whole = Buffer.concat([PINGREQ, PINGREQ]);
  for (const chunk of ['', whole.subarray(0, 1), '', whole.subarray(1, 3), '', '', whole.subarray(3), ''])
    splitter.feed(Buffer.from(chunk));
  expect(drain(splitter)).toEqual([PINGREQ, PINGREQ]);
  expect(splitter.fault).toBeUndefined();
});

test('a stream cut at random places gives the same packets', () => {
  const stream = level.chain((at) =>
    fc.record({
      at: fc.constant(at),
      packets: fc.array(fc.oneof(later(at), anyConnect(at)), { minLength: 1, maxLength: 12 }),
      cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
    }),
  );
  fc.assert(
    fc.property(stream, ({ at, packets, cuts }) => {
      const all = Buffer.concat(packets);
      const places = [
        0,
        ...cuts.map((cut) => Math.floor(cut * all.length)).sort((a, b) => a - b),
        all.length,
      ];
      const splitter = splitterFor();
      splitter.accepted = AFTER_CONNECT[at];
      const found: Buffer[] = [];
      for (let i = 1; i < places.length; i++) {
        splitter.feed(Buffer.from(all.subarray(places[i - 1], places[i])));
        found.push(...drain(splitter));
      }
      expect(splitter.fault).toBeUndefined();
      expect(found).toEqual(packets);
    }),
  );
});

test('chunks that come while one waits for its turn stay in their order, wherever the look stopped', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ chunks: fc.integer({ min: 0, max: 3 }), looks: fc.integer({ min: 0, max: 6 }) })),
      (steps) => {
        const splitter = splitterFor();
        const found: number[] = [];
        const look = (times: number): void => {
          for (let n = 0; n < times && splitter.next(); n++) found.push(splitter.buffer[splitter.start + 3]!);
        };
        let sent = 0;
        for (const { chunks, looks } of steps) {
          for (let n = 0; n < chunks; n++) {
            const two = [publish({ payload: Buffer.of(sent++) }), publish({ payload: Buffer.of(sent++) })];
            splitter.feed(Buffer.concat(two));
          }
          look(looks);
        }
        look(Infinity);
        expect(found).toEqual(Array.from({ length: sent }, (_, n) => n));
      },
    ),
  );
});

test('byte by byte, and all at once before the first look', () => {
  const packets = [publish({ payload: 'x'.repeat(300) }), PINGREQ, publish({ payload: 'y' })];
  const single = splitterFor();
  const found: Buffer[] = [];
  for (const byte of Buffer.concat(packets)) {
    single.feed(Buffer.from([byte]));
    found.push(...drain(single));
  }
  expect(found).toEqual(packets);

  const queued = splitterFor();
  for (const byte of Buffer.concat(packets)) queued.feed(Buffer.from([byte]));
  expect(drain(queued)).toEqual(packets);
  expect(queued.waiting).toBe(0);
});

test('a packet that lies whole in a chunk is not copied', () => {
  const splitter = splitterFor();
  const chunk = Buffer.concat([PINGREQ, publish({ payload: 'abc' })]);
  splitter.feed(chunk);
  expect(splitter.next() && splitter.next()).toBe(true);
  expect(splitter.buffer).toBe(chunk);
});

test('[MQTT3-3.1.0-1] [MQTT-3.1.0-1] anything but CONNECT is refused at its first byte', () => {
  const splitter = new FrameSplitter(1_000);
  splitter.feed(Buffer.from('G'));
  expect(splitter.next()).toBe(false);
  expect(splitter.fault).toBe('protocol.error');
});

test('a packet larger than allowed is refused as soon as its header tells, with the header counted', () => {
  const splitter = splitterFor(100);
  splitter.feed(Buffer.from([0x30, 98]));
  expect(splitter.next()).toBe(false);
  expect(splitter.fault).toBeUndefined();
  const over = splitterFor(100);
  over.feed(Buffer.from([0x30, 99]));
  expect(over.next()).toBe(false);
  expect(over.fault).toBe('payload.too-large');
});

test('a remaining length of more than four bytes is malformed, before the packet is there', () => {
  const splitter = splitterFor(300_000_000);
  splitter.feed(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80]));
  expect(splitter.next()).toBe(false);
  expect(splitter.fault).toBe('protocol.malformed');
});

test('a remaining length that is not the shortest is reported, not refused: 3.1.1 allows it', () => {
  const splitter = splitterFor();
  splitter.feed(Buffer.from([0xc0, 0x80, 0x00, 0xc0, 0x00]));
  expect(splitter.next()).toBe(true);
  expect([splitter.shortest, splitter.end - splitter.start]).toEqual([false, 0]);
  expect(splitter.next()).toBe(true);
  expect(splitter.shortest).toBe(true);
});

test('packets before a fault are served, and nothing after it', () => {
  const splitter = splitterFor();
  splitter.feed(Buffer.concat([PINGREQ, Buffer.from([0x00, 0x00]), PINGREQ]));
  expect(drain(splitter)).toEqual([PINGREQ]);
  expect(splitter.fault).toBe('protocol.malformed');
  splitter.feed(PINGREQ);
  expect(splitter.next()).toBe(false);
});

test('memory for a packet that crosses chunks follows what has arrived, not what the header promises', () => {
  const splitter = splitterFor(8_000_000);
  splitter.feed(publish({ payload: Buffer.alloc(4_000_000) }).subarray(0, 1_000));
  const before = process.memoryUsage().arrayBuffers;
  expect(splitter.next()).toBe(false);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000);
});

test('a large packet in small chunks is not copied again and again', () => {
  const large = publish({ payload: Buffer.alloc(1_000_000, 7) });
  const copy = vi.spyOn(Buffer.prototype, 'copy');
  const splitter = splitterFor(8_000_000);
  for (let at = 0; at < large.length; at += 1_000) {
    splitter.feed(large.subarray(at, at + 1_000));
    expect(splitter.next()).toBe(at + 1_000 >= large.length);
  }
  const copied = copy.mock.results.reduce((sum, { value }) => sum + Number(value), 0);
  copy.mockRestore();
  expect(splitter.buffer.subarray(0, splitter.end).equals(large)).toBe(true);
  expect(copied).toBeLessThan(4 * large.length);
});

test('the first packet may be cut too', () => {
  const splitter = new FrameSplitter(1_000);
  const bytes = connect();
  splitter.feed(bytes.subarray(0, 1));
  expect(splitter.next()).toBe(false);
  splitter.feed(bytes.subarray(1));
  expect(splitter.next()).toBe(true);
  expect(splitter.fault).toBeUndefined();
});
