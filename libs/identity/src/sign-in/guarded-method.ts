import { accept, type Result } from '@trivium/contracts';
import type { Authenticated, ChallengeMethod } from '../challenge-method.ts';
import type { Guard } from '../guard/guard.ts';
import type { Source } from '../identity.ts';
import type { FailedSignIns } from './failed-sign-ins.ts';

/** The method for clients from there: failures count, and who has failed too often is refused until some time has passed. */
export function guardedMethod(
  method: ChallengeMethod,
  source: Source,
  guard: Pick<Guard, 'admit'>,
  failed: FailedSignIns,
): ChallengeMethod {
  const refusal = (name: string | undefined, why: string): Result<never> =>
    failed({ by: 'scram', name, told: '', why }, source);

  return {
    name: method.name,
    start(message) {
      const started = method.start(message);
      if (!started.ok) return refusal(undefined, started.error.message);
      const challenge = started.value;
      return accept({
        name: challenge.name,
        message: challenge.message,
        finish(answer): Result<Authenticated> {
          // Counted here, since an exchange without an answer tries nothing.
          const admitted = guard.admit(source.address, challenge.name, false);
          if (!admitted.ok) return admitted;
          const finished = challenge.finish(answer);
          return finished.ok ? finished : refusal(challenge.name, finished.error.message);
        },
      });
    },
  };
}
