import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Track } from './track.ts';

test('it agrees with a set and a maximum on any sequence of numbers', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 300 }), (sequences) => {
      const track = new Track();
      const seen = new Set<number>();
      let highest = -1;
      for (const sequence of sequences) {
        const expected = seen.has(sequence) ? 'duplicate' : sequence < highest ? 'late' : 'new';
        expect(track.see(sequence)).toBe(expected);
        seen.add(sequence);
        highest = Math.max(highest, sequence);
      }
    }),
  );
});

test('a far jump keeps what was seen before', () => {
  const track = new Track();
  expect(track.see(0)).toBe('new');
  expect(track.see(2 ** 25)).toBe('new');
  expect(track.see(2 ** 25 - 8)).toBe('late');
  expect(track.see(2 ** 25)).toBe('duplicate');
});
