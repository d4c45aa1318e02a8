import { accept, refuse, type Result } from '@trivium/contracts';
import type { GroupsOf } from '../access/groups-of.ts';
import type { Guard } from '../guard/guard.ts';
import type { Identity, Source } from '../identity.ts';
import { apiKeyParts } from '../key/api-key.ts';
import { ANONYMOUS_PRINCIPAL, userName, type Principal } from '../principal.ts';
import type { IdentityStats } from '../stats.ts';
import type { FailedSignIns, Failure } from './failed-sign-ins.ts';
import type { Guess, Guesses } from './guesses.ts';
import type { Pause } from './pause.ts';
import { shownBy, type Proofs, type Token } from './proofs.ts';

export interface SignInOptions {
  proofs: Proofs;
  guesses: Guesses;
  groupsOf: GroupsOf;
  guard: Pick<Guard, 'admit'>;
  pause: Pause;
  failed: FailedSignIns;
  stats: Pick<IdentityStats, 'signedIn' | 'delayed'>;
  mayBeAnonymous(source: Source): boolean;
  /** There is a user of this name, in whatever state. */
  isKnown(name: string): boolean;
  /** A JWT is something here. */
  takesJwt: boolean;
  onKeyUsed(id: string): void;
  /** Milliseconds since the epoch. */
  clock: () => number;
}

type Answer = Result<Principal> | Promise<Result<Principal>>;

export function createSignIn(options: SignInOptions): Identity['signIn'] {
  const { proofs, guesses, groupsOf, guard, pause, failed, stats, clock } = options;

  const anonymous = (): Result<Principal> => {
    stats.signedIn.nothing++;
    return accept(ANONYMOUS_PRINCIPAL);
  };

  /** The stored record of the name may say that it is disabled, or that another certificate counts. */
  const signedIn = (principal: Principal, source: Source): Result<Principal> => {
    const { by, name, proof } = principal;
    if (groupsOf(principal, clock()) === undefined)
      return failed({ by, name, told: name, why: 'disabled, expired, or not its certificate' }, source);
    stats.signedIn[by]++;
    if (by === 'key') options.onKeyUsed(proof!);
    return accept(principal);
  };

  /** What cannot be guessed is looked at at once; who is wrong waits for the answer. */
  const prove = (shown: Token, source: Source): Answer => {
    const conclude = (proved: Result<Principal>): Answer => {
      const answer = proved.ok
        ? signedIn(proved.value, source)
        : failed(failureOf(shown, proved.error.message), source);
      if (answer.ok) return answer;
      const admitted = guard.admit(source.address, undefined, true);
      if (!admitted.ok || admitted.value === 0) return admitted.ok ? answer : admitted;
      return pause(admitted.value).then((paused) => (paused.ok ? answer : paused));
    };
    const proved = proofs(shown);
    return proved instanceof Promise ? proved.then(conclude) : conclude(proved);
  };

  const guess = (told: string, password: Uint8Array, source: Source): Answer => {
    const user = userName(told);
    const tried: Guess = { name: user.ok ? user.value : undefined, told, password };
    const concluded = guesses(tried, source);
    const conclude = (proved: Result<Principal>): Result<Principal> =>
      proved.ok ? signedIn(proved.value, source) : proved;
    return concluded instanceof Promise ? concluded.then(conclude) : conclude(concluded);
  };

  return (credentials, source) => {
    const shown = shownBy(credentials, options.takesJwt);
    const isOpen = options.mayBeAnonymous(source);
    switch (shown.by) {
      case 'nothing':
        if (isOpen) return anonymous();
        return failed({ by: 'nothing', name: undefined, told: '', why: 'no credentials' }, source);
      case 'password': {
        const user = userName(shown.user);
        if (isOpen && !(user.ok && options.isKnown(user.value))) return anonymous();
        return guess(shown.user, shown.password, source);
      }
      case 'jwt':
        if (isOpen && !options.takesJwt) return anonymous();
        return prove(shown, source);
      case 'key':
      case 'certificate':
        return prove(shown, source);
    }
  };
}

function failureOf(shown: Token, why: string): Failure {
  const id = shown.by === 'key' ? apiKeyParts(shown.text)?.id : undefined;
  const told = shown.by === 'certificate' ? '' : shown.user;
  const object = id === undefined ? {} : { object: id };
  return { by: shown.by, name: undefined, told, why, ...object };
}

/** Before what is stored is known. */
export function notReady(): Result<never> {
  return refuse('rate.limited', 'who may come in here is not known yet', 1_000);
}
