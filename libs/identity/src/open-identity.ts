import { accept, refuse } from '@trivium/contracts';
import type { Access } from './access.ts';
import type { Identity } from './identity.ts';
import { ANONYMOUS_PRINCIPAL, type Principal } from './principal.ts';

/** Everybody is anonymous and may do everything: for tests, and doors that are made without an identity. */
export const OPEN_IDENTITY: Identity = {
  ready: Promise.resolve(),
  version: 0,
  method: () => undefined,
  signIn: () => accept(ANONYMOUS_PRINCIPAL),
  proven: () => refuse('auth.method', 'nobody proves anything here'),
  access: (principal) => accept(unrestricted(principal)),
  close: () => undefined,
};

function unrestricted(principal: Principal): Access {
  return {
    principal,
    unrestricted: true,
    version: 0,
    may: () => true,
    subscription: () => 'granted',
    mayAdminister: true,
    renew: () => true,
  };
}
