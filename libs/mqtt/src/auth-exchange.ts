import type { Challenge, ChallengeMethod } from '@trivium/identity';
import type { SessionInput } from './session.ts';

/** The exchanges of one connection by its method, one at a time: before CONNACK, and again whenever the client begins one. */
export class AuthExchange {
  /** What the client has to answer; undefined: no exchange is going on. */
  #challenge: Challenge | undefined;

  /** The client's first message, and what it means to the session. `method`: as it is known now. */
  begin(method: ChallengeMethod | undefined, data: Uint8Array): SessionInput {
    if (this.#challenge !== undefined) return outOfPlace('AUTH begins again before it has ended');
    if (method === undefined)
      return {
        on: 'refused',
        error: { code: 'auth.method', message: 'this method is not offered any more' },
      };
    const begun = method.start(data);
    if (!begun.ok) return { on: 'refused', error: begun.error };
    this.#challenge = begun.value;
    return { on: 'challenged', data: begun.value.message };
  }

  /** Its answer to the challenge. */
  go(data: Uint8Array): SessionInput {
    const challenge = this.#challenge;
    if (challenge === undefined) return outOfPlace('AUTH continues what has not begun');
    this.#challenge = undefined;
    const finished = challenge.finish(data);
    if (!finished.ok) return { on: 'refused', error: finished.error };
    const { principal, message } = finished.value;
    return { on: 'authenticated', principal, data: message };
  }
}

function outOfPlace(message: string): SessionInput {
  return { on: 'refused', error: { code: 'protocol.error', message } };
}
