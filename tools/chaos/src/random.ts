import { seeded } from '@trivium/testing';

/** Decisions that a seed repeats. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number from `from` to `to`, both included. */
  int(from: number, to: number): number;
  /** A number from `from` to `to`. */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  shuffle<T>(items: readonly T[]): T[];
  /** A source of its own for one decider, so that the timing of others does not change its decisions. */
  fork(name: string): Random;
}

export function createRandom(seed: number): Random {
  const whole = seeded(seed);
  const next = (): number => whole() / 2 ** 32;
  const int = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    int,
    between: (from, to) => from + next() * (to - from),
    chance: (probability) => next() < probability,
    pick: <T>(items: readonly T[]) => items[int(0, items.length - 1)] as T,
    shuffle: <T>(items: readonly T[]) => {
      const left = [...items];
      return items.map(() => left.splice(int(0, left.length - 1), 1)[0] as T);
    },
    fork: (name) => createRandom(fnv1a(name, seed)),
  };
}

function fnv1a(text: string, basis: number): number {
  let hash = basis ^ 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash | 0;
}
