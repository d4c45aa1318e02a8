import type { TopicFilter } from '@trivium/contracts';
import type { Subscription } from 'aedes';

/** How aedes is told of one entry: granted as it was asked for, or, with null, refused (0x80). */
export type SubscribeAnswer = (error: Error | null, granted?: Subscription | null) => void;

export interface SubscribeEntry {
  readonly request: Subscription;
  readonly filter: TopicFilter;
  readonly answer: SubscribeAnswer;
}

/** aedes asks for each filter of a SUBSCRIBE by itself, within one turn: they are activated together. */
export class SubscribeBatch {
  readonly #activate: (entries: readonly SubscribeEntry[]) => void;
  #entries: SubscribeEntry[] = [];

  /** `activate` is called once for all entries that were added in one turn. */
  constructor(activate: (entries: readonly SubscribeEntry[]) => void) {
    this.#activate = activate;
  }

  add(entry: SubscribeEntry): void {
    if (this.#entries.length === 0)
      queueMicrotask(() => {
        const entries = this.#entries;
        this.#entries = [];
        this.#activate(entries);
      });
    this.#entries.push(entry);
  }
}

/**
 * What aedes is given for an entry: it looks the granted QoS up again by the topic of each message, and lowers the message to what
 * it finds there, though another filter of the client was granted more. One above 0 everywhere keeps it from that; SUBACK says
 * what was asked for all the same.
 */
export function grantedToAedes(request: Subscription): Subscription {
  return { ...request, qos: 1 };
}
