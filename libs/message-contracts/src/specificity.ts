import type { TopicFilter } from '@trivium/contracts';

/** A name before `+`, and `+` before `#`. */
function rank(level: string): number {
  if (level === '#') return 2;
  return level === '+' ? 1 : 0;
}

/**
 * The order of filters, the most specific first: read level by level from the left, where they first differ a name goes before `+`, and `+`
 * before `#`. Of the filters that match one topic it makes one the first, unless they are equal. Negative: `a` goes first.
 */
export function bySpecificity(a: TopicFilter, b: TopicFilter): number {
  const left = a.split('/');
  const right = b.split('/');
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = rank(left[i]!) - rank(right[i]!);
    if (difference !== 0) return difference;
    if (left[i] !== right[i]) return left[i]! < right[i]! ? -1 : 1;
  }
  // `a` and `a/#` both match `a`: the shorter one says no more than that.
  return left.length - right.length;
}
