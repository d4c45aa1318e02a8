import type { Refusal } from '@trivium/contracts';
import type { FailureAudit } from '../audit/failure-audit.ts';
import type { Guard } from '../guard/guard.ts';
import type { Source } from '../identity.ts';
import type { Principal } from '../principal.ts';
import type { IdentityStats } from '../stats.ts';

export interface Failure {
  readonly by: Principal['by'];
  /** Who it says it is, in the form of names; undefined: nobody can be called that, or it did not say. */
  readonly name: string | undefined;
  /** For the audit: what was told, whatever it is. */
  readonly told: string;
  /** For the audit alone. */
  readonly why: string;
  /** The id of an API key. */
  readonly object?: string;
  /** The same wrong password again: it is no other guess. */
  readonly repeated?: boolean;
}

export interface FailedSignInsOptions {
  guard: Pick<Guard, 'failed'>;
  audit: FailureAudit;
  stats: Pick<IdentityStats, 'failed'>;
}

/** Counts a failed sign-in against who failed, and writes it down. The answer: the same whatever was wrong. */
export type FailedSignIns = (
  failure: Failure,
  source: Source,
) => { readonly ok: false; readonly error: Refusal };

const ANSWERS: Readonly<Record<Principal['by'], Refusal>> = {
  nothing: { code: 'auth.required', message: 'credentials are needed' },
  password: { code: 'auth.failed', message: 'wrong user name or password' },
  scram: { code: 'auth.failed', message: 'wrong user name or password' },
  jwt: { code: 'auth.failed', message: 'the token is not valid' },
  key: { code: 'auth.failed', message: 'the key is not valid' },
  certificate: { code: 'auth.failed', message: 'the certificate is not accepted' },
};

export function createFailedSignIns({ guard, audit, stats }: FailedSignInsOptions): FailedSignIns {
  return ({ by, name, told, why, object, repeated }, { address, client }) => {
    stats.failed[by]++;
    // Who shows nothing has guessed nothing.
    if (by !== 'nothing' && repeated !== true) guard.failed(address, name);
    audit.write({
      ...{ principal: name ?? told, address, detail: `${by}: ${why}` },
      ...(client === undefined ? {} : { client }),
      ...(object === undefined ? {} : { object }),
    });
    return { ok: false, error: ANSWERS[by] };
  };
}
