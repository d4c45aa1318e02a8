import fc from 'fast-check';
import { expect, test } from 'vitest';
import { partitionOf, PARTITIONS } from './partition.ts';
import { text } from './topic.arbitrary.ts';

/** FNV-1a, 32 bit, over bytes, by the book. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn;
  return Number(hash);
}

test.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
])('%j is in the partition of its published FNV-1a hash', (id, hash) =>
  expect(partitionOf(id)).toBe(hash % 32),
);

test('is FNV-1a of the UTF-8, for any text', () => {
  fc.assert(
    fc.property(text, (id) => {
      expect(partitionOf(id)).toBe(fnv1a(new TextEncoder().encode(id)) % PARTITIONS);
    }),
  );
});

test('reads a lone surrogate as encoders do', () => {
  for (const id of ['\ud800', 'a\udc00b', '\ud800\ud800'])
    expect(partitionOf(id)).toBe(fnv1a(new TextEncoder().encode(id)) % PARTITIONS);
});

test('spreads ids evenly', () => {
  const counts = new Array<number>(PARTITIONS).fill(0);
  for (let i = 0; i < 32_000; i++) counts[partitionOf(`device-${i}`)]!++;
  expect(Math.min(...counts)).toBeGreaterThan(700);
  expect(Math.max(...counts)).toBeLessThan(1300);
});
