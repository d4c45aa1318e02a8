import { accept, matches, refuse, type Topic, type TopicFilter } from '@trivium/contracts';
import {
  ANONYMOUS_PRINCIPAL,
  createScramMethod,
  LEAST_ITERATIONS,
  parseScramVerifier,
  SCRAM_SHA_256,
  scramNonce,
  scramVerifier,
  USUAL_SALT_BYTES,
  type Access,
  type Credentials,
  type Identity,
  type Principal,
} from '@trivium/identity';

type Action = Parameters<Access['may']>[0];

/** What a test says of a user. Topic patterns are filters; without `may` everything is allowed. */
export interface ScriptedUser {
  password: string;
  may?: Partial<Record<Action, readonly string[]>>;
  expiresAt?: number;
  /** Client ids; any unless given. */
  clients?: readonly string[];
}

/** An identity that does what the test says, at once or when it is told to. */
export interface ScriptedIdentity extends Identity {
  /** By name; `anonymous` for who shows nothing. Call `changed` after a change. */
  readonly users: Map<string, ScriptedUser>;
  changed(): void;
  /** While set, `signIn` answers when this is done. */
  gate: Promise<void> | undefined;
}

export function scriptedIdentity(users: Record<string, ScriptedUser> = {}): ScriptedIdentity {
  const known = new Map(Object.entries(users));
  let version = 1;

  const principalOf = (name: string, by: Principal['by']): Principal => {
    if (name === 'anonymous') return ANONYMOUS_PRINCIPAL;
    const { password, expiresAt } = known.get(name)!;
    return {
      ...{ name, by, groups: [], claims: {}, proof: password },
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
  };

  const judge = (credentials: Credentials) => {
    switch (credentials.by) {
      case 'nothing':
        return known.has('anonymous')
          ? accept(ANONYMOUS_PRINCIPAL)
          : refuse('auth.required', 'credentials are needed');
      case 'password': {
        const there = known.get(credentials.user);
        return there !== undefined && there.password === Buffer.from(credentials.password).toString()
          ? accept(principalOf(credentials.user, 'password'))
          : refuse('auth.failed', 'wrong user name or password');
      }
      case 'certificate':
        return accept(principalOf(Buffer.from(credentials.certificate).toString(), 'certificate'));
      case 'token':
        return refuse('rate.limited', 'too many tries');
    }
  };

  const identity: ScriptedIdentity = {
    users: known,
    gate: undefined,
    changed: () => void version++,
    ready: Promise.resolve(),
    get version() {
      return version;
    },
    method(name) {
      const verifiers = new Map(
        [...known].flatMap(([user, { password }]) => {
          const made = scramVerifier(password, { salt: Buffer.alloc(16, user) });
          const verifier = made.ok ? parseScramVerifier(made.value) : made;
          return user === 'anonymous' || !verifier.ok ? [] : [[user, verifier.value] as const];
        }),
      );
      if (name !== SCRAM_SHA_256 || verifiers.size === 0) return undefined;
      return createScramMethod({
        users: {
          find: (user) => verifiers.get(user),
          pretended: () => ({ iterations: LEAST_ITERATIONS, saltBytes: USUAL_SALT_BYTES }),
        },
        secret: () => Buffer.alloc(32, 1),
        nonce: scramNonce,
      });
    },
    signIn: (credentials) =>
      identity.gate === undefined ? judge(credentials) : identity.gate.then(() => judge(credentials)),
    proven: (name) => accept(principalOf(name, 'scram')),
    access(principal, client) {
      const { clients } = known.get(principal.name)!;
      if (clients !== undefined && !clients.includes(client!))
        return refuse('auth.denied', 'not under this client id');
      return accept(
        scriptedAccess(
          principal,
          () => known.get(principal.name),
          () => version,
        ),
      );
    },
    close: () => undefined,
  };
  return identity;
}

function scriptedAccess(
  principal: Principal,
  user: () => ScriptedUser | undefined,
  now: () => number,
): Access {
  let rules = user()!.may;
  let version = now();
  const allowed = (action: Action): readonly string[] => rules?.[action] ?? [];
  return {
    principal,
    get unrestricted() {
      return rules === undefined;
    },
    get version() {
      return version;
    },
    may: (action, topic) =>
      rules === undefined ||
      allowed(action).some((pattern) => matches(pattern as TopicFilter, topic as Topic)),
    subscription(filter, shared) {
      if (rules === undefined) return 'granted';
      if (!allowed('subscribe').some((pattern) => covers(pattern, filter))) return 'refused';
      if (allowed('receive').some((pattern) => covers(pattern, filter))) return 'granted';
      return shared ? 'refused' : 'guarded';
    },
    mayAdminister: false,
    renew(nowMs) {
      const there = user();
      version = now();
      if (there !== undefined) rules = there.may;
      const isProven = principal.by === 'nothing' || there?.password === principal.proof;
      return there !== undefined && isProven && nowMs < (principal.expiresAt ?? Infinity);
    },
  };
}

/** Whether every topic that `filter` matches is matched by `pattern`. */
function covers(pattern: string, filter: string): boolean {
  const allowed = pattern.split('/');
  const asked = filter.split('/');
  for (const [at, level] of allowed.entries()) {
    if (level === '#') return true;
    const other = asked[at];
    if (other === undefined || other === '#' || (level !== '+' && level !== other)) return false;
  }
  return asked.length === allowed.length;
}
