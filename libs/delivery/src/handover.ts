import type { Settlement } from '@trivium/bus';

/** Who has a message of a shared subscription in its hands. */
export interface Holder {
  readonly open: Set<Handover>;
  settled(handle: string, how: Settlement): void;
}

/**
 * A message of a shared subscription in the hands of one client. It is the client's until the client, or who serves it, is done with it;
 * a client that goes before gives it back, and another member gets it.
 */
export class Handover {
  readonly #handle: string;
  readonly #holder: Holder;

  constructor(handle: string, holder: Holder) {
    this.#handle = handle;
    this.#holder = holder;
    holder.open.add(this);
  }

  /** The client has it, or will never: nobody else gets it. */
  done(): void {
    if (this.#holder.open.delete(this)) this.#holder.settled(this.#handle, 'done');
  }

  giveBack(): void {
    if (this.#holder.open.delete(this)) this.#holder.settled(this.#handle, 'again');
  }

  /** The client takes its time: nobody else gets it for that. */
  keep(): void {
    this.#holder.settled(this.#handle, 'working');
  }

  /** It was not taken after all. */
  undo(): void {
    this.#holder.open.delete(this);
  }
}
