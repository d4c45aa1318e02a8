import type { ErrorCode } from '@trivium/contracts';

/** A message on its way through an actor. */
export interface Envelope {
  /** In the actor's log; 0: it did not come from there. */
  readonly pos: number;
  readonly subject: string;
  readonly message: unknown;
  /** Who asked, if it is a request. Answered at most once. */
  asker: Asker | undefined;
  /** Steps that threw. */
  tries: number;
  /** Given up: stored as a dead letter, to be passed over. */
  buried: boolean;
}

export interface Asker {
  answer(value: unknown): void;
  refuse(code: ErrorCode): void;
}
