import type { Hold } from './hold.ts';
import type { Outbox } from './outbox.ts';
import type { Rights } from './rights.ts';
import type { CloseReason, SessionClient } from './session.ts';

/** The connection that published messages come from. */
export interface IntakeHost extends Rights {
  /** Of the connection. */
  readonly id: string;
  readonly client: SessionClient;
  readonly outbox: Outbox;
  hold(reason: Hold): void;
  release(reason: Hold): void;
  close(reason: CloseReason, detail?: string): void;
}
