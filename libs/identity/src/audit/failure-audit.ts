import type { Audit, AuditEntry } from './audit.ts';

/** A sign-in that failed; `detail` is why. */
export interface SignInFailure {
  /** As told. */
  readonly principal: string;
  readonly address: string;
  readonly client?: string;
  readonly object?: string;
  readonly detail: string;
}

/** Writes failed sign-ins down, at most one record a second for each address: the first at once, then the last of a second with their number. */
export interface FailureAudit {
  write(failure: SignInFailure): void;
  close(): void;
}

const EVERY_MS = 1_000;
/** Of one second; what comes from more is not written down. */
const MOST_ADDRESSES = 1_000;

interface Held {
  last: SignInFailure | undefined;
  times: number;
}

export function createFailureAudit(audit: Audit): FailureAudit {
  const held = new Map<string, Held>();
  let timer: NodeJS.Timeout | undefined;

  const record = ({ principal, address, client, object, detail }: SignInFailure, times: number): void => {
    const entry: AuditEntry = {
      ...{ kind: 'sign-in-failed', principal, address, detail },
      ...(client === undefined ? {} : { client }),
      ...(object === undefined ? {} : { object }),
      ...(times < 2 ? {} : { times }),
    };
    audit.write(entry);
  };

  const sweep = (): void => {
    for (const [address, each] of held) {
      if (each.last === undefined) held.delete(address);
      else record(each.last, each.times);
      each.last = undefined;
      each.times = 0;
    }
    if (held.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  return {
    write(failure) {
      const seen = held.get(failure.address);
      if (seen !== undefined) {
        seen.last = failure;
        seen.times++;
        return;
      }
      if (held.size >= MOST_ADDRESSES) return;
      held.set(failure.address, { last: undefined, times: 0 });
      record(failure, 1);
      timer ??= setInterval(sweep, EVERY_MS).unref();
    },
    close() {
      sweep();
      clearInterval(timer);
    },
  };
}
