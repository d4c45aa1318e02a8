/** Numbers that a seed repeats (mulberry32): each call gives a whole one from 0 up to and without 2³². */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** The same: each call gives one from 0 up to and without `below`. */
export function randomFrom(seed: number): (below: number) => number {
  const next = seeded(seed);
  return (below) => next() % below;
}
