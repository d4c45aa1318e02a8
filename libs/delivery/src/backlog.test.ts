import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backlog } from './backlog.ts';

describe('Backlog', () => {
  it('keeps the first positions in order, and only counts beyond them', () => {
    const backlog = new Backlog(10, 3);
    expect([12, 15, 16].map((pos) => backlog.append(pos, 5))).toEqual([true, true, true]);
    expect([backlog.from, backlog.through, backlog.first]).toEqual([10, undefined, 12]);
    expect(backlog.append(20, 5)).toBe(false);
    expect(backlog.append(21, 5)).toBe(false);
    expect(backlog.positions()).toEqual([12, 15, 16]);
    expect([backlog.through, backlog.messages, backlog.bytes]).toEqual([19, 5, 25]);
    expect([backlog.next(0), backlog.next(12), backlog.next(13), backlog.next(16)]).toEqual([
      12,
      15,
      15,
      undefined,
    ]);
  });

  it('takes a position once', () => {
    const backlog = new Backlog(10);
    expect([10, 11, 11, 9].map((pos) => backlog.append(pos, 1))).toEqual([true, true, true, true]);
    expect([backlog.positions(), backlog.messages]).toEqual([[11], 1]);
  });

  it('makes room as it is worked off, as long as it never had too many', () => {
    const backlog = new Backlog(0, 10);
    for (let pos = 1; pos <= 10_000; pos++) {
      expect(backlog.append(pos, 3)).toBe(true);
      if (pos > 9) backlog.advance(pos - 9);
    }
    expect(backlog.positions()).toEqual(Array.from({ length: 9 }, (_, i) => 9_992 + i));
    expect([backlog.from, backlog.through, backlog.messages]).toEqual([9_991, undefined, 9]);
  });

  it('forgets what a power cut took', () => {
    const backlog = new Backlog(0);
    for (let pos = 1; pos <= 20; pos++) backlog.append(pos, 2);
    backlog.cut(15);
    expect([backlog.first, backlog.positions().at(-1), backlog.messages, backlog.bytes]).toEqual([
      1, 15, 15, 30,
    ]);
    expect(backlog.append(16, 2)).toBe(true);
    expect(backlog.positions().length).toBe(16);
  });

  it('trims to what is allowed, at most a stride less, and says exactly what went', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ gap: fc.integer({ min: 1, max: 5 }), bytes: fc.integer({ min: 0, max: 100 }) }),
          {
            minLength: 1,
            maxLength: 3_000,
          },
        ),
        fc.integer({ min: 0, max: 1_500 }),
        fc.integer({ min: 0, max: 50_000 }),
        fc.integer({ min: 1, max: 2_000 }),
        fc.boolean(),
        (messages, maxMessages, maxBytes, capacity, always) => {
          const backlog = new Backlog(0, capacity);
          const limits = { maxMessages, maxBytes };
          let waiting: { pos: number; bytes: number }[] = [];
          let pos = 0;
          let largest = 1;
          const trim = (): void => {
            const before = waiting;
            const dropped = backlog.trim(limits);
            const total = before.reduce((sum, one) => sum + one.bytes, 0);
            expect(dropped === undefined).toBe(before.length <= maxMessages && total <= maxBytes);
            if (dropped === undefined) return;
            waiting = before.filter((one) => one.pos > dropped.pos);
            const left = waiting.reduce((sum, one) => sum + one.bytes, 0);
            expect([dropped.messages, dropped.bytes]).toEqual([before.length - waiting.length, total - left]);
            expect([backlog.messages, backlog.bytes, backlog.from]).toEqual([
              waiting.length,
              left,
              dropped.pos,
            ]);
            expect(waiting.length <= maxMessages && left <= maxBytes).toBe(true);
            // With a stride more, the limits would be passed.
            const stride = Math.max(1, Math.ceil(largest / 32));
            const more = before.slice(-(waiting.length + stride));
            if (more.length > waiting.length) {
              const sum = more.reduce((all, one) => all + one.bytes, 0);
              expect(more.length > maxMessages || sum > maxBytes).toBe(true);
            }
          };
          for (const { gap, bytes } of messages) {
            pos += gap;
            backlog.append(pos, bytes);
            waiting.push({ pos, bytes });
            largest = Math.max(largest, waiting.length);
            if (always) trim();
          }
          trim();
          const kept = backlog.positions();
          const through = backlog.through ?? pos;
          expect(kept).toEqual(waiting.map((one) => one.pos).filter((at) => at <= through));
        },
      ),
      { numRuns: 300 },
    );
  });
});
