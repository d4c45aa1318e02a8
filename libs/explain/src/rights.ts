import { ANONYMOUS, type PolicyAction } from '@trivium/contracts';
import { compilePermissions, policiesOf, type Decision, type Permissions } from '@trivium/identity';
import type { Decided } from './explanation.ts';
import type { Facts } from './facts.ts';

/** What the principal of the client may do. */
export interface Rights {
  readonly groups: readonly string[];
  readonly policies: readonly string[];
  readonly disabled: boolean;
  readonly permissions: Permissions;
  /** Somebody proves by other means who it is, of which nothing is stored: its groups and claims may be others. */
  readonly isGuess: boolean;
}

export function rightsOf(facts: Facts): Rights {
  const { client, principal, credential, keys, attributes, policies } = facts;
  const isAnonymous = principal.name === ANONYMOUS;
  const own = isAnonymous ? [ANONYMOUS] : (credential?.groups ?? keys[0]?.groups ?? []);
  const groups = own.length === 0 ? ['devices'] : own;
  const held = policiesOf(groups, policies);
  return {
    groups,
    policies: held.map(({ name }) => name),
    disabled: credential?.disabled === true,
    permissions: compilePermissions({ policies: held, principal: principal.name, client, attributes }),
    isGuess: !isAnonymous && credential === undefined && keys.length === 0,
  };
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
