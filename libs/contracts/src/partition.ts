import { codePointAt } from './percent.ts';

/** Actors and the position index are spread over this many partitions. Part of the wire contract. */
export const PARTITIONS = 32;

/** The partition of an actor's id: FNV-1a (32 bit) of its UTF-8, modulo 32. */
export function partitionOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) {
    const c = codePointAt(id, i);
    if (c < 0x80) {
      hash = Math.imul(hash ^ c, 0x01000193);
      continue;
    }
    if (c < 0x800) hash = Math.imul(hash ^ (0xc0 | (c >> 6)), 0x01000193);
    else {
      if (c < 0x10000) hash = Math.imul(hash ^ (0xe0 | (c >> 12)), 0x01000193);
      else {
        hash = Math.imul(hash ^ (0xf0 | (c >> 18)), 0x01000193);
        hash = Math.imul(hash ^ (0x80 | ((c >> 12) & 0x3f)), 0x01000193);
        i++;
      }
      hash = Math.imul(hash ^ (0x80 | ((c >> 6) & 0x3f)), 0x01000193);
    }
    hash = Math.imul(hash ^ (0x80 | (c & 0x3f)), 0x01000193);
  }
  return (hash >>> 0) % PARTITIONS;
}
