import { parseShare, type SessionSubscription, type Topic, type TopicFilter } from '@trivium/contracts';
import type { Access, FilterRuling } from '@trivium/identity';
import type { Subscription } from '@trivium/delivery';
import type { Rights } from './rights.ts';

/** A subscription as far as its ruling goes. */
type Ruled = Pick<Subscription, 'filter' | 'share'>;

/** It was checked when the session got it. */
const NO_LIMITS = { maxTopicBytes: 65_535, maxTopicLevels: 65_535 };

/** What a client may receive: its filters, as its access rules on them, and, where a filter is guarded, each message. */
export class ReceiveGuard {
  /** Some filter is guarded: every message is asked for. What matches a filter that is wholly granted may be received anyway. */
  active = false;
  readonly #rights: Rights;
  readonly #guarded = new Set<TopicFilter>();
  #access: Access | undefined;
  #version = 0;
  /** The topic of the last message, and what was said of it. */
  #topic: Topic | undefined;
  #allowed = false;

  constructor(rights: Rights) {
    this.#rights = rights;
  }

  /** These filters are subscribed to. False: one of them is not allowed. */
  set(subscriptions: Iterable<Ruled>): boolean {
    const { access } = this.#rights;
    let allowed = true;
    for (const { filter, share } of subscriptions) {
      const ruling = rulingOn(access, share?.filter ?? filter, share !== undefined);
      if (ruling === 'guarded') this.#guarded.add(filter);
      else this.#guarded.delete(filter);
      if (ruling === 'refused') allowed = false;
    }
    this.active = this.#guarded.size > 0;
    return allowed;
  }

  delete(filters: readonly TopicFilter[]): void {
    for (const filter of filters) this.#guarded.delete(filter);
    this.active = this.#guarded.size > 0;
  }

  /** Whether a message of this topic goes to the client. */
  allows(topic: Topic): boolean {
    const { access } = this.#rights;
    if (topic === this.#topic && access === this.#access && access.version === this.#version)
      return this.#allowed;
    this.#access = access;
    this.#version = access.version;
    this.#topic = topic;
    return (this.#allowed = access.may('receive', topic));
  }
}

export function rulingOn(access: Access, filter: string, shared: boolean): FilterRuling {
  return access.unrestricted ? 'granted' : access.subscription(filter, shared);
}

/** Those that the client may still have, of a session that goes on. */
export function stillAllowed(
  access: Access,
  subscriptions: readonly SessionSubscription[],
): readonly SessionSubscription[] {
  if (access.unrestricted) return subscriptions;
  return subscriptions.filter(({ filter }) => {
    const share = parseShare(filter, NO_LIMITS);
    if (!share.ok) return true; // of a later version: it brings nothing
    return rulingOn(access, share.value?.filter ?? filter, share.value !== undefined) !== 'refused';
  });
}
