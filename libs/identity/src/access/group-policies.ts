import type { PolicyRecord } from '@trivium/contracts';
import type { Directory } from '../directory/directory.ts';
import { Unusable } from '../directory/watched-records.ts';
import { DEVICES } from '../policy/built-in-policies.ts';
import { policiesOf } from '../policy/policies-of.ts';

/** The policies of groups as they are now: the same list until one changes. Undefined: there is one that cannot be read. */
export type GroupPolicies = (groups: readonly string[]) => readonly PolicyRecord[] | undefined;

const MOST_REMEMBERED = 1_000;

/**
 * A stored policy that cannot be read might have denied something: nobody gets in who is of one of its groups, or nobody at all when not
 * even these can be read.
 */
export function createGroupPolicies(
  directory: Pick<Directory, 'policies' | 'policiesVersion'>,
): GroupPolicies {
  const known = new Map<string, readonly PolicyRecord[] | undefined>();
  let stored = new Map<string, PolicyRecord>();
  let unusable: (readonly string[] | undefined)[] = [];
  let version = -1;

  const learn = (): void => {
    stored = new Map();
    unusable = [];
    for (const policy of directory.policies())
      if (policy instanceof Unusable) unusable.push(groupsIn(policy.value));
      else stored.set(policy.name, policy);
    version = directory.policiesVersion;
    known.clear();
  };

  return (groups) => {
    if (version !== directory.policiesVersion) learn();
    const key = groups.join(' ');
    const found = known.get(key);
    if (found !== undefined || known.has(key)) return found;
    const own = groups.length === 0 ? [DEVICES] : groups;
    const isOff = unusable.some((of) => of === undefined || of.some((group) => own.includes(group)));
    const policies = isOff ? undefined : policiesOf(groups, stored);
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(key, policies);
    return policies;
  };
}

/** As far as they can be read. */
function groupsIn(value: Uint8Array): readonly string[] | undefined {
  try {
    const { groups } = JSON.parse(Buffer.from(value).toString('utf8')) as { groups?: unknown };
    if (!Array.isArray(groups) || groups.length === 0) return undefined;
    return groups.every((group) => typeof group === 'string') ? groups : undefined;
  } catch {
    return undefined;
  }
}
