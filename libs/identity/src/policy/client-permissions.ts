import { BUILT_IN_PREFIX } from './built-in-policies.ts';
import { compilePermissions, type Permissions, type PermissionsOptions } from './permissions.ts';

export interface ClientPermissionsOptions extends PermissionsOptions {
  /**
   * Client ids are free as far as built-in policies go: where anonymous clients are let in, who proves a name would else be held to
   * less than who does not.
   */
  anyClient: boolean;
}

/** What a client may do at a door: for doors that let it in or not, and for whoever says what doors do. */
export function clientPermissions({
  anyClient,
  assigned,
  ...options
}: ClientPermissionsOptions): Permissions {
  const isFree = anyClient && options.policies.every(({ name }) => name.startsWith(BUILT_IN_PREFIX));
  return compilePermissions({ ...options, assigned: assigned === true || isFree });
}
