import type { Bus, Logger } from '@trivium/bus';
import { accept, refuse, type Result } from '@trivium/contracts';
import type { AuthConfig } from './config.ts';
import type { Identity, Source } from './identity.ts';
import { OPEN_IDENTITY } from './open-identity.ts';
import { ANONYMOUS_PRINCIPAL, type Principal } from './principal.ts';
import { createStats, type IdentityStats } from './stats.ts';

export interface IdentityOptions {
  bus: Pick<Bus, 'bucket' | 'publisher'>;
  /** Section `auth`. */
  config: AuthConfig;
  /** Anonymous clients may come in at listeners beyond loopback too, unless `auth.required`. */
  allowAnonymous: boolean;
  logger: Logger;
  /** As the audit names this process. */
  service: string;
  /** Milliseconds since the epoch. */
  clock?: () => number;
}

export interface StoredIdentity extends Identity {
  readonly stats: Readonly<IdentityStats>;
}

/** Who may do what, from what is stored in the hub and section `auth`. */
export function createIdentity({ config, allowAnonymous }: IdentityOptions): StoredIdentity {
  const stats = createStats();
  const mayBeAnonymous = (source: Source): boolean => !config.required && (source.loopback || allowAnonymous);

  const signIn = (by: 'nothing' | string, source: Source): Result<Principal> => {
    if (mayBeAnonymous(source)) return accept(ANONYMOUS_PRINCIPAL);
    return by === 'nothing'
      ? refuse('auth.required', 'credentials are needed')
      : refuse('auth.failed', 'wrong user name or password');
  };

  return {
    ready: Promise.resolve(),
    version: 0,
    stats,
    method: () => undefined,
    signIn: (credentials, source) => signIn(credentials.by, source),
    proven: () => refuse('auth.method', 'nobody proves anything here'),
    access: (principal, client, assigned) => OPEN_IDENTITY.access(principal, client, assigned),
    close: () => undefined,
  };
}
