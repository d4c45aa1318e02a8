import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PositionQueue } from './position-queue.ts';
import { VarintReader, VarintWriter } from './varints.ts';

const KEEP = 8;

function filled(positions: readonly number[], size = 10): PositionQueue {
  const queue = new PositionQueue(KEEP);
  for (const pos of positions) queue.push(pos, size);
  return queue;
}

function stored(queue: PositionQueue, through: number): PositionQueue {
  const out = new VarintWriter();
  queue.write(out, through);
  return PositionQueue.read(new VarintReader(out.view()), KEEP);
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('numbers of any size come back, and bytes that end early are noticed', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeNat()), fc.uint8Array({ maxLength: 300 }), (numbers, block) => {
      const out = new VarintWriter(1);
      for (const number of numbers) out.number(number);
      out.block(block);
      const reader = new VarintReader(out.view());
      expect(numbers.map(() => reader.number())).toEqual(numbers);
      expect([...reader.block()]).toEqual([...block]);
      expect(reader.done).toBe(true);
      const short = new VarintReader(out.view().subarray(0, out.length - 1));
      expect(() => {
        for (const _ of numbers) short.number();
        short.block();
      }).toThrow(RangeError);
    }),
  );
  expect(() => new VarintReader(new Uint8Array(9).fill(0xff)).number()).toThrow(RangeError);
});

test('the first positions are kept, the others are counted', () => {
  const queue = filled(range(101, 120));
  expect(queue.positions(0, Infinity)).toEqual(range(101, 108));
  expect(queue.positions(103, 106)).toEqual([104, 105, 106]);
  expect([queue.kept, queue.messages, queue.bytes, queue.knownBelow]).toEqual([8, 20, 200, 109]);
});

test('limits take the oldest, one by one while their positions are known, then in portions', () => {
  const queue = filled(range(1, 12));
  expect(queue.trim({ maxMessages: 12, maxBytes: 120 })).toBe(0);
  expect(queue.trim({ maxMessages: 10, maxBytes: Infinity })).toBe(2);
  expect(queue.positions(0, Infinity)).toEqual(range(3, 8));
  expect(queue.dropped).toEqual({ pos: 2, messages: 2, bytes: 20 });
  expect(queue.trim({ maxMessages: 100, maxBytes: 55 })).toBe(5);
  expect(queue.dropped).toEqual({ pos: 7, messages: 7, bytes: 70 });
  expect(queue.trim({ maxMessages: 3, maxBytes: 100 })).toBe(5);
  expect(queue.dropped).toEqual({ pos: 12, messages: 12, bytes: 120 });
  expect([queue.messages, queue.bytes, queue.knownBelow]).toEqual([0, 0, Infinity]);
  queue.push(20, 1);
  expect(queue.positions(0, Infinity)).toEqual([20]);
});

test('a cursor takes what lies at or below it, and among the counted ones nothing is known any more', () => {
  const queue = filled([2, 4, 6, ...range(10, 20)]);
  expect(queue.advance(5)).toBe(true);
  expect(queue.positions(0, Infinity)).toEqual([6, ...range(10, 14)]);
  expect([queue.messages, queue.knownBelow]).toEqual([12, 15]);
  expect(queue.advance(14)).toBe(true);
  expect(queue.positions(0, Infinity)).toEqual([]);
  expect(queue.advance(15)).toBe(false);
});

test('what was dropped is forgotten when the cursor has passed it', () => {
  const queue = filled(range(1, 5));
  queue.trim({ maxMessages: 3, maxBytes: Infinity });
  queue.advance(1);
  expect(queue.dropped).toEqual({ pos: 2, messages: 2, bytes: 20 });
  queue.advance(2);
  expect(queue.dropped.messages).toBe(0);
});

test('written up to a position and read again, it goes on there as if nothing had happened', () => {
  const step = fc.oneof(
    { weight: 20, arbitrary: fc.record({ gap: fc.integer({ min: 1, max: 400 }), size: fc.nat(300) }) },
    { weight: 1, arbitrary: fc.record({ advance: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    { weight: 1, arbitrary: fc.record({ maxMessages: fc.integer({ min: 0, max: 20 }) }) },
    { weight: 2, arbitrary: fc.constant('store' as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      let queue = new PositionQueue(KEEP);
      let model: { pos: number; size: number; kept: boolean }[] = [];
      let last = 1_000;
      for (const one of steps) {
        if (one === 'store') queue = stored(queue, last);
        else if ('gap' in one) {
          last += one.gap;
          const kept = model.every((entry) => entry.kept) && model.length < KEEP;
          model.push({ pos: last, size: one.size, kept });
          queue.push(last, one.size);
        } else if ('maxMessages' in one) {
          queue.trim({ maxMessages: one.maxMessages, maxBytes: Infinity });
          const over = Math.max(0, model.length - one.maxMessages);
          const known = model.filter((entry) => entry.kept).length;
          // Counted ones go together: there are fewer of them here than a portion has.
          model = over > known ? [] : model.slice(over);
        } else {
          const cursor = Math.floor(last * one.advance);
          const known = model.find((entry) => !entry.kept)?.pos ?? Infinity;
          expect(queue.advance(cursor)).toBe(cursor < known);
          if (cursor < known) model = model.filter(({ pos }) => pos > cursor);
        }
        const known = model.filter((entry) => entry.kept).map(({ pos }) => pos);
        expect(queue.positions(0, Infinity)).toEqual(known);
        expect(queue.knownBelow).toBe(model.find((entry) => !entry.kept)?.pos ?? Infinity);
        expect(queue.messages).toBe(model.length);
        expect(queue.bytes).toBe(model.reduce((sum, { size }) => sum + size, 0));
      }
    }),
    { numRuns: 300 },
  );
});

test('what is written up to an earlier position has nothing above it', () => {
  const queue = filled([...range(1, 5), ...range(11, 24)]);
  const early = stored(queue, 4);
  expect([early.positions(0, Infinity), early.messages, early.bytes]).toEqual([[1, 2, 3, 4], 4, 40]);
  early.push(5, 10);
  expect(early.positions(0, Infinity)).toEqual(range(1, 5));
  const late = stored(queue, 20);
  // Of the counted ones above the cut an estimate is left; that they are there is not forgotten.
  expect([late.positions(0, Infinity), late.knownBelow]).toEqual([[...range(1, 5), 11, 12, 13], 14]);
  expect(late.messages).toBe(15);
  late.push(21, 10);
  expect(late.positions(0, Infinity).length).toBe(8);
});
