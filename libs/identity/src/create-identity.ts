import { performance } from 'node:perf_hooks';
import type { Bus, Logger } from '@trivium/bus';
import { accept, refuse } from '@trivium/contracts';
import { createAccessOf } from './access/create-access.ts';
import { createGroupPolicies } from './access/group-policies.ts';
import { createGroupsOf } from './access/groups-of.ts';
import { createAudit } from './audit/audit.ts';
import { createFailureAudit } from './audit/failure-audit.ts';
import type { AuthConfig } from './config.ts';
import { createDirectory } from './directory/directory.ts';
import { saltSecret } from './directory/salt-secret.ts';
import { createGuard } from './guard/guard.ts';
import type { Identity } from './identity.ts';
import { createJwtCheck } from './jwt/jwt-check.ts';
import { createKeyUses } from './key/key-uses.ts';
import { createPasswordCheck } from './password/password-check.ts';
import type { Principal } from './principal.ts';
import { createScramMethod, scramNonce } from './scram-method.ts';
import { createScramUsers, readScram } from './scram-users.ts';
import { createFailedSignIns } from './sign-in/failed-sign-ins.ts';
import { guardedMethod } from './sign-in/guarded-method.ts';
import { createGuesses } from './sign-in/guesses.ts';
import { createPause } from './sign-in/pause.ts';
import { createProofs } from './sign-in/proofs.ts';
import { createSignIn, notReady } from './sign-in/sign-in.ts';
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
  /** Milliseconds that only go on: how long those who guess have to wait. */
  elapsed?: () => number;
}

export interface StoredIdentity extends Identity {
  readonly stats: Readonly<IdentityStats>;
}

/** Clients that wait for their answer because of failures before; each holds a connection. */
const MOST_PAUSED = 1_000;

/** Who may do what, from what is stored in the hub and section `auth`. */
export function createIdentity({
  bus,
  config,
  allowAnonymous,
  logger,
  service,
  clock = Date.now,
  elapsed = () => performance.now(),
}: IdentityOptions): StoredIdentity {
  const stats = createStats();
  const devices = bus.bucket('devices');
  const closed = new AbortController();
  const directory = createDirectory({ bus, logger, stats });

  let salts: Uint8Array = new Uint8Array(0);
  const secret = (): Uint8Array => salts;
  const { verifiers: configured } = readScram(config.scram);
  const scram = createScramUsers({ directory, configured, secret });
  const scramMethod = createScramMethod({ users: scram, secret, nonce: scramNonce });

  const guard = createGuard({ clock: elapsed, stats });
  const audit = createFailureAudit(createAudit({ bus, service, clock }));
  const failed = createFailedSignIns({ guard, audit, stats });
  const pause = createPause(MOST_PAUSED);
  const groupsOf = createGroupsOf({ directory, scram });
  const access = createAccessOf({
    ...{ directory, groupsOf, policiesOf: createGroupPolicies(directory), clock },
    anyClient: !config.required,
  });

  const passwords = createPasswordCheck({ directory, cost: config.argon2, logger, stats });
  const jwt = config.jwt.keys === '' ? undefined : createJwtCheck({ config: config.jwt, logger, clock });
  const signIn = createSignIn({
    proofs: createProofs({ config, directory, jwt, clock }),
    guesses: createGuesses({ passwords, directory, guard, pause, failed, stats }),
    mayBeAnonymous: (source) => !config.required && (source.loopback || allowAnonymous),
    isKnown: (name) => directory.user(name) !== undefined || configured.has(name),
    takesJwt: jwt !== undefined,
    onKeyUsed: createKeyUses({ bucket: devices, clock }),
    ...{ groupsOf, guard, pause, failed, stats, clock },
  });

  let isReady = false;
  const ready = (async () => {
    const secretRead = saltSecret(devices, logger, closed.signal);
    await Promise.all([directory.ready, jwt?.ready]);
    salts = await secretRead;
    isReady = true;
  })();

  return {
    ready,
    get version() {
      return directory.version;
    },
    stats,
    method(name, source) {
      if (!isReady || name !== scramMethod.name || !scram.any()) return undefined;
      return source === undefined ? scramMethod : guardedMethod(scramMethod, source, guard, failed);
    },
    signIn: (credentials, source) => (isReady ? signIn(credentials, source) : notReady()),
    proven(name, source) {
      const proof = scram.markOf(name);
      const principal: Principal = { name, by: 'scram', groups: [], claims: {}, ...(proof && { proof }) };
      if (proof === undefined || groupsOf(principal, clock()) === undefined)
        return failed({ by: 'scram', name, told: name, why: 'disabled, or changed meanwhile' }, source);
      guard.succeeded(source.address, name);
      stats.signedIn.scram++;
      return accept(principal);
    },
    access: (principal, client, assigned = false) =>
      isReady ? access(principal, client, assigned) : refuse('auth.denied', 'policies are not known yet'),
    close() {
      closed.abort();
      directory.close();
      jwt?.close();
      audit.close();
    },
  };
}
