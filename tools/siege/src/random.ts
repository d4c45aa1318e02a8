/** Each call gives a whole number from 0 up to and without `below`. */
export type Random = (below: number) => number;

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random(items.length)] as T;
}
