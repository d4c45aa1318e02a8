import type { FilterRuling } from '@trivium/identity';
import type { HeldSession } from '@trivium/sessions';
import { rulingOn } from './receive-guard.ts';
import type { Rights } from './rights.ts';
import type { SessionView } from './session.ts';
import type { Subscriber } from './subscriber.ts';

const NO_SUBSCRIPTIONS: SessionView['subscriptions'] = new Map();

/** What a connection knows of its session beside the step's own state. */
export class ConnectionView implements SessionView {
  /** From the claim of the session on. */
  held: HeldSession | undefined;
  /** Once there is something to subscribe to, or to bring back. */
  subscriber: Subscriber | undefined;
  readonly #rights: Rights;

  constructor(rights: Rights) {
    this.#rights = rights;
  }

  get expirySeconds(): number | undefined {
    return this.held?.expirySeconds;
  }

  get subscriptions(): SessionView['subscriptions'] {
    return this.subscriber?.subscriptions ?? NO_SUBSCRIPTIONS;
  }

  get storedBytes(): number | undefined {
    return this.held?.clean === false ? (this.subscriber?.storedBytes ?? 0) : undefined;
  }

  rulingOn(filter: string, shared: boolean): FilterRuling {
    return rulingOn(this.#rights.access, filter, shared);
  }

  isOpen(packetId: number): boolean {
    return this.subscriber?.isOpen(packetId) ?? false;
  }

  awaits(packetId: number): 'pubrec' | 'pubcomp' | undefined {
    return this.subscriber?.exactlyOnce?.awaits(packetId);
  }
}
