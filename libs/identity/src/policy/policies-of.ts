import type { PolicyRecord } from '@trivium/contracts';
import { BUILT_IN_POLICIES, DEVICES } from './built-in-policies.ts';

/**
 * The policies that hold for a principal of these groups, by name: the stored ones that name one of them, and the built-in one of each group
 * that no stored policy names. Of no group is of `devices`. `stored` has no policy that `checkPolicy` refuses: who cannot read one lets nobody
 * of its groups in.
 */
export function policiesOf(
  groups: readonly string[],
  stored: ReadonlyMap<string, PolicyRecord>,
): readonly PolicyRecord[] {
  const own = new Set(groups.length === 0 ? [DEVICES] : groups);
  const named = new Set<string>();
  const found: PolicyRecord[] = [];
  for (const policy of stored.values()) {
    for (const group of policy.groups) named.add(group);
    if (policy.groups.some((group) => own.has(group))) found.push(policy);
  }
  for (const policy of BUILT_IN_POLICIES)
    if (policy.groups.some((group) => own.has(group) && !named.has(group))) found.push(policy);
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}
