import type { Result } from '@trivium/contracts';

/**
 * A method by which client and hub prove to each other who they are, the client speaking first, in two messages each (SASL; MQTT 5,
 * section 4.12). Both steps are quick, and nothing of an exchange is kept but its challenge.
 */
export interface ChallengeMethod {
  /** As clients ask for it. */
  readonly name: string;
  /** The client's first message. Refused with `auth.failed`; that there is no such user is no reason. */
  start(message: Uint8Array): Result<Challenge>;
}

export interface Challenge {
  /** Who the client says it is. */
  readonly name: string;
  /** To the client. */
  readonly message: Buffer;
  /** What the client says to it. Refused with `auth.failed`, in words that do not tell an unknown user from a wrong password. */
  finish(message: Uint8Array): Result<Authenticated>;
}

export interface Authenticated {
  /** Who the client is. */
  readonly principal: string;
  /** To the client: the hub's proof that it knows the user. */
  readonly message: Buffer;
}
