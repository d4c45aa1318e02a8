import type { Door } from '../clients/client.ts';
import type { Part } from '../harm/outages.ts';

/** A part that can be harmed. */
export interface Service {
  readonly part: Part;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same ports and data; resolves when it says that it is ready. */
  start(): Promise<void>;
  /** Holds the process where it is, and lets it go on; none: it cannot be held. */
  freeze?(): void;
  thaw?(): void;
  /** Why it does not run any more, though nobody has ended it; `undefined` while it runs. */
  problem(): string | undefined;
}

/** A broker under test. */
export interface Target extends AsyncDisposable {
  readonly name: string;
  /** Publishers are at the first, subscribers at the second. */
  readonly doors: readonly Door[];
  /** A door that is never harmed. */
  readonly observer: Door;
  readonly services: readonly Service[];
}
