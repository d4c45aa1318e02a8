import { parseShare, type SessionSubscription, type Topic, type TopicFilter } from '@trivium/contracts';
import type { Access, FilterRuling } from '@trivium/identity';
import type { Subscription, Turns } from '@trivium/delivery';
import type { Rights } from './rights.ts';

/** A subscription as far as its ruling goes. */
type Ruled = Pick<Subscription, 'filter' | 'share'>;

/** It was checked when the session got it. */
const NO_LIMITS = { maxTopicBytes: 65_535, maxTopicLevels: 65_535 };

/** What a client may receive: its filters, as its access rules on them, and, where a filter is guarded, each message. */
export class ReceiveGuard {
  readonly #rights: Rights;
  readonly #guarded = new Set<TopicFilter>();
  #access: Access | undefined;
  #version = 0;
  /** The topic of the last message, and what was said of it. */
  #topic: Topic | undefined;
  #allowed = false;
  /** Of all filters, that are not done yet. */
  #judgements = 0;

  constructor(rights: Rights) {
    this.#rights = rights;
  }

  /** Some filter is guarded: every message is asked for. What matches a filter that is wholly granted may be received anyway. */
  get active(): boolean {
    return this.#guarded.size > 0 || this.#judgements > 0;
  }

  /** This filter is subscribed to. False: it is not allowed. */
  set({ filter, share }: Ruled): boolean {
    const ruling = rulingOn(this.#rights.access, share?.filter ?? filter, share !== undefined);
    if (ruling === 'guarded') this.#guarded.add(filter);
    else this.#guarded.delete(filter);
    return ruling !== 'refused';
  }

  delete(filter: TopicFilter): void {
    this.#guarded.delete(filter);
  }

  /** Resolves to false when one of these is not allowed. While it is not done every message is asked for. */
  async judgeAgain(subscriptions: Iterable<Ruled>, turns: Turns): Promise<boolean> {
    let allowed = true;
    this.#judgements++;
    await turns.each(subscriptions, (subscription) => (allowed = this.set(subscription)));
    this.#judgements--;
    return allowed;
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

/** Whether the client may still have it, of a session that goes on. */
export function isStillAllowed(access: Access, { filter }: SessionSubscription): boolean {
  if (access.unrestricted) return true;
  const share = parseShare(filter, NO_LIMITS);
  if (!share.ok) return true; // of a later version: it brings nothing
  return rulingOn(access, share.value?.filter ?? filter, share.value !== undefined) !== 'refused';
}
