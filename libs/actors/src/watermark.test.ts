import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createWatermark } from './watermark.ts';

test('nothing at or below the low position is open, in whatever order work is settled', () => {
  const steps = fc.array(
    fc.record({ begin: fc.boolean(), gap: fc.integer({ min: 1, max: 3 }), pick: fc.nat() }),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(steps, (sequence) => {
      const mark = createWatermark();
      const open: number[] = [];
      let pos = 0;
      for (const { begin, gap, pick } of sequence) {
        if (begin || open.length === 0) {
          pos += gap;
          open.push(pos);
          mark.begin(pos);
        } else mark.settle(open.splice(pick % open.length, 1)[0]!);
        expect(mark.open).toBe(open.length);
        expect(mark.low(pos + 5)).toBe(open.length === 0 ? pos + 5 : Math.min(...open) - 1);
      }
    }),
  );
});

test('a long backlog settled from its front stays right across the cut of the list', () => {
  const mark = createWatermark();
  for (let pos = 1; pos <= 5_000; pos++) mark.begin(pos);
  for (let pos = 1; pos <= 4_000; pos++) {
    mark.settle(pos);
    expect(mark.low(5_000)).toBe(pos);
  }
  mark.settle(4_500);
  expect(mark.low(5_000)).toBe(4_000);
  expect(mark.open).toBe(999);
});
