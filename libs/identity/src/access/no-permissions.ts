import type { Permissions } from '../policy/permissions.ts';

/** Of whoever is to be thrown out. */
export const NO_PERMISSIONS: Permissions = {
  unrestricted: false,
  mayConnect: false,
  mayAdminister: false,
  may: () => false,
  subscription: () => 'refused',
  decide: () => ({ allowed: false }),
};
