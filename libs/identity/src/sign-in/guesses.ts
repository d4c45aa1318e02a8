import type { Result } from '@trivium/contracts';
import type { Directory } from '../directory/directory.ts';
import { Unusable } from '../directory/watched-records.ts';
import type { Guard } from '../guard/guard.ts';
import type { Source } from '../identity.ts';
import type { PasswordCheck } from '../password/password-check.ts';
import { passwordOf } from '../password/password-check.ts';
import { createPasswordMemory } from '../password/password-memory.ts';
import type { Principal } from '../principal.ts';
import type { IdentityStats } from '../stats.ts';
import type { FailedSignIns } from './failed-sign-ins.ts';
import type { Pause } from './pause.ts';
import { createSameGuesses } from './same-guesses.ts';

/** A user name and a password. */
export interface Guess {
  /** In the form of names; undefined: nobody can be called that. */
  readonly name: string | undefined;
  readonly told: string;
  readonly password: Uint8Array;
}

export interface GuessesOptions {
  passwords: PasswordCheck;
  directory: Pick<Directory, 'user'>;
  guard: Guard;
  pause: Pause;
  failed: FailedSignIns;
  stats: Pick<IdentityStats, 'refused'>;
}

type Answer = Result<Principal> | Promise<Result<Principal>>;

/** What can be guessed is heard in its turn: the later the more was wrong before. */
export type Guesses = (guess: Guess, source: Source) => Answer;

const MOST_WRONG = 10_000;

export function createGuesses({
  passwords,
  directory,
  guard,
  pause,
  failed,
  stats,
}: GuessesOptions): Guesses {
  /**
   * The last wrong password of each name: a device that has an old one and tries for ever costs no argon2, and does not slow down its whole
   * site.
   */
  const wrong = createPasswordMemory(MOST_WRONG);

  const heard = createSameGuesses<Result<Principal>>();

  /** Another one when a password that was wrong may be right. */
  const stateOf = (name: string): string => {
    const user = directory.user(name);
    if (user === undefined || user instanceof Unusable) return 'none';
    return `${user.disabled} ${user.password?.mark}`;
  };

  const conclude = (
    proved: Result<Principal>,
    { name, told }: Guess,
    source: Source,
    repeated = false,
  ): Result<Principal> => {
    if (proved.ok) {
      guard.succeeded(source.address, proved.value.name);
      return proved;
    }
    if (proved.error.code === 'auth.failed')
      return failed({ by: 'password', name, told, why: proved.error.message, repeated }, source);
    stats.refused++;
    if (name !== undefined) guard.dropped(name);
    return proved;
  };

  const hear = (guess: Guess, name: string, password: string, source: Source): Answer => {
    const state = stateOf(name);
    if (wrong.knows(name, state, password)) return conclude(REPEATED, guess, source, true);
    const learn = (proved: Result<Principal>): Result<Principal> => {
      if (!proved.ok && proved.error.code === 'auth.failed') wrong.learn(name, state, password);
      return conclude(proved, guess, source);
    };
    const proved = passwords(name, password);
    return proved instanceof Promise ? proved.then(learn) : learn(proved);
  };

  const hearLater = async (ms: number, name: string, heard: () => Answer): Promise<Result<Principal>> => {
    const paused = await pause(ms);
    if (paused.ok) return heard();
    stats.refused++;
    guard.dropped(name);
    return paused;
  };

  /** Somebody else made the same guess. */
  const alike = (answer: Result<Principal>, { name, told }: Guess, source: Source): Result<Principal> => {
    if (answer.ok || answer.error.code !== 'auth.failed') return answer;
    const why = 'the same wrong password at the same time';
    return failed({ by: 'password', name, told, why, repeated: true }, source);
  };

  return (guess, source) => {
    const { name } = guess;
    const password = passwordOf(guess.password);
    if (name === undefined || password === undefined) {
      const admitted = guard.admit(source.address, undefined, true);
      if (!admitted.ok) return admitted;
      const answer = conclude(NOBODYS, guess, source);
      return admitted.value === 0
        ? answer
        : pause(admitted.value).then((paused) => (paused.ok ? answer : paused));
    }
    const same = heard.find(name, password);
    if (same !== undefined) return same.then((answer) => alike(answer, guess, source));
    const admitted = guard.admit(source.address, name, true);
    if (!admitted.ok) return admitted;
    const answer =
      admitted.value === 0
        ? hear(guess, name, password, source)
        : hearLater(admitted.value, name, () => hear(guess, name, password, source));
    if (answer instanceof Promise) heard.add(name, password, answer);
    return answer;
  };
}

const NOBODYS: Result<never> = {
  ok: false,
  error: { code: 'auth.failed', message: 'a name or password that nobody can have' },
};
const REPEATED: Result<never> = {
  ok: false,
  error: { code: 'auth.failed', message: 'the same wrong password again' },
};
