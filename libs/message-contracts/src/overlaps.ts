import type { ContractRecord, TopicFilter } from '@trivium/contracts';
import { bySpecificity } from './specificity.ts';

/** Two contracts with topics in common. `first` is the one that counts there; undefined: their filters are the same, which is a mistake. */
export interface Overlap {
  readonly contracts: readonly [string, string];
  readonly first: string | undefined;
}

/** Every pair of contracts whose filters have a topic in common. */
export function overlapsOf(records: readonly Pick<ContractRecord, 'name' | 'filter'>[]): Overlap[] {
  const found: Overlap[] = [];
  records.forEach((a, i) => {
    for (const b of records.slice(i + 1)) {
      if (!overlap(a.filter.split('/'), b.filter.split('/'))) continue;
      const order = bySpecificity(a.filter as TopicFilter, b.filter as TopicFilter);
      const first = order === 0 ? undefined : order < 0 ? a.name : b.name;
      found.push({ contracts: [a.name, b.name], first });
    }
  });
  return found;
}

function overlap(a: readonly string[], b: readonly string[]): boolean {
  const isWild = (level: string | undefined): boolean => level === '+' || level === '#';
  if ((isWild(a[0]) && b[0]!.startsWith('$')) || (isWild(b[0]) && a[0]!.startsWith('$'))) return false;
  for (let i = 0; ; i++) {
    const [left, right] = [a[i], b[i]];
    if (left === '#' || right === '#') return true;
    if (left === undefined || right === undefined) return left === right;
    if (left !== '+' && right !== '+' && left !== right) return false;
  }
}
