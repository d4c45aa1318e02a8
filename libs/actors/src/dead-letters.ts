import type { Bus, Logger } from '@trivium/bus';
import { encodeToken, type ErrorCode, type StreamName } from '@trivium/contracts';
import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';

/** A message that an actor could not handle. The message itself is in `log` at `pos` for as long as that is kept. */
export interface DeadLetter {
  readonly actor: string;
  readonly id: string;
  readonly log: StreamName;
  /** 0: the message did not come from the log. */
  readonly pos: number;
  readonly subject: string;
  readonly code: ErrorCode;
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface DeadLetters {
  /** Resolves when it is stored; tries until then. Never resolves after `close`. */
  bury(letter: Omit<DeadLetter, 'at'>): Promise<void>;
  close(): void;
}

/** `tv1.l.<actor>.<id>`, stream `DEADLETTER`. */
export function deadLetterSubject(actor: string, id: string): string {
  return `tv1.l.${actor}.${encodeToken(id)}`;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const utf8 = new TextEncoder();

export function createDeadLetters(bus: Bus, clock: Clock, logger: Logger): DeadLetters {
  let closed = false;
  return {
    async bury(letter) {
      logger.error(letter, 'an actor gave up on a message');
      const bytes = utf8.encode(JSON.stringify({ v: 1, ...letter, at: clock.wallMs() }));
      const subject = deadLetterSubject(letter.actor, letter.id);
      for (let attempt = 1; !closed; attempt++) {
        try {
          await bus.publisher.store(subject, bytes);
          return;
        } catch (err) {
          logger.warn({ err, subject }, 'a dead letter could not be stored, trying again');
          const wait = backoffMs(attempt, FIRST_RETRY_MS, LAST_RETRY_MS);
          await new Promise<void>((resolve) => clock.after(wait, resolve));
        }
      }
      await new Promise<never>(() => undefined);
    },
    close() {
      closed = true;
    },
  };
}
