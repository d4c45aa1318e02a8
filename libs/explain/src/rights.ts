import { ANONYMOUS, type PolicyAction } from '@trivium/contracts';
import { clientPermissions, policiesOf, type Decision, type Permissions } from '@trivium/identity';
import type { Decided } from './explanation.ts';
import type { Facts } from './facts.ts';
import { isAnyClientAt } from './living-doors.ts';
import type { Place } from './place.ts';

/** What the principal of the client may do. */
export interface Rights {
  readonly groups: readonly string[];
  readonly policies: readonly string[];
  readonly disabled: boolean;
  readonly permissions: Permissions;
  /** Somebody proves by other means who it is, of which nothing is stored or told: its groups and claims may be others. */
  readonly isGuess: boolean;
}

/** As its door judges it: the groups of a stored credential count before those of any token. */
export function rightsOf(facts: Facts, place: Place): Rights {
  const { client, principal, credential, keys, attributes, policies, token } = facts;
  const isAnonymous = principal.name === ANONYMOUS;
  const own = isAnonymous ? [ANONYMOUS] : (credential?.groups ?? token.groups ?? keys[0]?.groups ?? []);
  const groups = own.length === 0 ? ['devices'] : own;
  const held = policiesOf(groups, policies);
  return {
    groups,
    policies: held.map(({ name }) => name),
    disabled: credential?.disabled === true,
    permissions: clientPermissions({
      ...{ policies: held, principal: principal.name, client, attributes, claims: token.claims ?? {} },
      anyClient: anyClientAt(facts, place),
    }),
    isGuess: !isAnonymous && credential === undefined && keys.length === 0 && token.groups === undefined,
  };
}

/** Whether the door that has the client leaves client ids free; of one that is away, whether there is a door that does. */
function anyClientAt({ doors }: Facts, place: Place): boolean {
  const its = doors.filter(({ lease }) => lease.incarnation === place.door);
  return isAnyClientAt((its.length > 0 ? its : doors).map(({ lease }) => lease));
}

/** In words. */
export function decided(decision: Decision, action: PolicyAction): Decided {
  const { allowed, by } = decision;
  if (by === undefined)
    return { allowed, why: allowed ? `nothing denies ${action}` : `no policy allows ${action}` };
  const { policy, statement, effect } = by;
  const says = effect === 'allow' ? 'allows' : 'denies';
  return {
    allowed,
    policy,
    statement,
    why: `the policy «${policy}», statement ${statement}, ${says} ${action}`,
  };
}
