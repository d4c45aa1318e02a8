import type { SessionSubscription } from '@trivium/contracts';
import { matches, parseFilter, parseShare, type QoS, type Topic, type TopicFilter } from '@trivium/contracts';
import { FilterTrie, type Delivered, type Subscription } from '@trivium/delivery';
import type { FrameOptions } from './publish-frames.ts';

/** What MQTT 5 adds to a filter and its QoS (section 3.8.3.1). */
export interface SubscriptionOptions {
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** Subscription identifier. */
  readonly id?: number;
}

/** A subscription as a client asks for it. */
export type RequestedSubscription = Subscription & SubscriptionOptions;

/** How one message goes to one client by all of its subscriptions that match. */
export interface Match {
  /** Highest granted. */
  readonly qos: QoS;
  readonly retainAsPublished: boolean;
  readonly ids: readonly number[];
}

/** The same for a message of a shared subscription, which goes by that alone. */
export function sharedMatch({ qos, retainAsPublished, id }: RequestedSubscription): Match {
  return { qos, retainAsPublished, ids: id === undefined ? [] : [id] };
}

/** So many filters are compared with a topic one by one. */
const FEW = 100;
/** Topics whose matches are remembered. */
const MAX_TOPICS = 200;

/** It was checked against the limits of the door that granted it. */
const NO_LIMITS = { maxTopicBytes: 65_535, maxTopicLevels: 65_535 };

/**
 * The MQTT 5 options of a client's subscriptions. Delivery hands a message out once, by the matching filter with the highest QoS; what
 * the options of all that match say of it is worked out here, and only for clients that have any.
 */
export class Subscriptions {
  readonly #options = new Map<TopicFilter, RequestedSubscription>();
  readonly #asksOften: boolean;
  /** Those with wildcards, once there are many: to compare each with a topic takes too long then. */
  #wild: FilterTrie<RequestedSubscription> | undefined;
  /** Filters with an option that counts. */
  #specials = 0;
  #bytes = 0;
  /** By topic: how a message of another client goes, and one of its own; undefined: not at all. */
  readonly #matches = new Map<string, readonly [Match | undefined, Match | undefined]>();

  /** `ofMqtt5`: `match` may be asked for every message. */
  constructor(ofMqtt5: boolean) {
    this.#asksOften = ofMqtt5;
  }

  get size(): number {
    return this.#options.size;
  }

  /** As they are stored. */
  get bytes(): number {
    return this.#bytes;
  }

  has(filter: TopicFilter): boolean {
    return this.#options.has(filter);
  }

  set(subscription: RequestedSubscription): void {
    this.delete(subscription.filter);
    this.#options.set(subscription.filter, subscription);
    this.#bytes += storedBytes(subscription);
    if (isSpecial(subscription)) this.#specials++;
    if (this.#wild !== undefined) addWild(this.#wild, subscription);
    else if (this.#asksOften && this.#options.size > FEW) {
      this.#wild = new FilterTrie();
      for (const one of this.#options.values()) addWild(this.#wild, one);
    }
  }

  delete(filter: TopicFilter): void {
    if (this.#matches.size > 0) this.#matches.clear();
    const there = this.#options.get(filter);
    if (there === undefined) return;
    this.#options.delete(filter);
    this.#wild?.remove(filter, there);
    this.#bytes -= storedBytes(there);
    if (isSpecial(there)) this.#specials--;
  }

  all(): Iterable<RequestedSubscription> {
    return this.#options.values();
  }

  /** Whether `match` has to be asked. */
  get special(): boolean {
    return this.#specials > 0;
  }

  /** Undefined: the message does not go to this client, which published it [MQTT-3.8.3-3]. */
  match(message: Delivered, client: string): Match | undefined {
    let found = this.#matches.get(message.topic);
    if (found === undefined) {
      const all = this.#matching(message.topic);
      found = [combine(all), combine(all.filter(({ noLocal }) => !noLocal))];
      if (this.#matches.size >= MAX_TOPICS) this.#matches.clear();
      this.#matches.set(message.topic, found);
    }
    const [foreign, own] = found;
    return foreign === own || message.client !== client ? foreign : own;
  }

  /** Whether a message for one subscription is the client's own and that subscription wants none of these [MQTT-3.8.3-3]. */
  isOwn(filter: TopicFilter, message: Delivered, client: string): boolean {
    return message.client === client && this.#options.get(filter)?.noLocal === true;
  }

  /** The identifier of one subscription, as a property; undefined: it has none. */
  idsOf(filter: TopicFilter): { subscriptionIds: number[] } | undefined {
    const id = this.#options.get(filter)?.id;
    return id === undefined ? undefined : { subscriptionIds: [id] };
  }

  /** For the session's record; `active` as delivery has them. */
  stored(active: Iterable<Subscription>): SessionSubscription[] {
    return Array.from(active, ({ filter, qos, from = 0 }) => {
      const { noLocal = false, retainAsPublished = false, id } = this.#options.get(filter) ?? {};
      return {
        ...{ filter, qos, from },
        ...(noLocal ? { noLocal } : {}),
        ...(retainAsPublished ? { retainAsPublished } : {}),
        ...(id === undefined ? {} : { id }),
      };
    });
  }

  #matching(topic: string): RequestedSubscription[] {
    if (this.#wild === undefined)
      return [...this.#options.values()].filter(
        ({ filter, share }) => share === undefined && matches(filter, topic as Topic),
      );
    const literal = this.#options.get(topic as TopicFilter);
    const found = literal === undefined || literal.share !== undefined ? [] : [literal];
    this.#wild.match(topic, (one) => void found.push(one));
    return found;
  }
}

function isSpecial({ noLocal, retainAsPublished, id, share }: RequestedSubscription): boolean {
  return share === undefined && (noLocal || retainAsPublished || id !== undefined);
}

function addWild(trie: FilterTrie<RequestedSubscription>, one: RequestedSubscription): void {
  if (one.share === undefined && (one.filter.includes('+') || one.filter.endsWith('#')))
    trie.add(one.filter, one);
}

function combine(matching: readonly RequestedSubscription[]): Match | undefined {
  if (matching.length === 0) return undefined;
  const ids = matching.flatMap(({ id }) => (id === undefined ? [] : [id])); // [MQTT-3.3.4-3], [MQTT-3.3.4-4]
  return {
    qos: Math.max(...matching.map(({ qos }) => qos)) as QoS,
    retainAsPublished: matching.some(({ retainAsPublished }) => retainAsPublished),
    ids,
  };
}

/** `,{"filter":,"qos":1,"from":1234567890123}`, and the same with all options. */
const STORED_BYTES = 45;
const STORED_OPTIONS_BYTES = 55;

/** Most that a subscription takes in the session's record. */
export function storedBytes({ filter, noLocal, retainAsPublished, id }: RequestedSubscription): number {
  const plain = !noLocal && !retainAsPublished && id === undefined;
  return Buffer.byteLength(JSON.stringify(filter)) + STORED_BYTES + (plain ? 0 : STORED_OPTIONS_BYTES);
}

/** As the record has it; a filter that is none any more (a later version wrote it) brings nothing. */
export function restoredSubscription(stored: SessionSubscription): RequestedSubscription | undefined {
  const { filter, qos, from, noLocal = false, retainAsPublished = false, id } = stored;
  const share = parseShare(filter, NO_LIMITS);
  if (!share.ok || (share.value === undefined && !parseFilter(filter, NO_LIMITS).ok)) return undefined;
  return {
    ...{ filter: filter as TopicFilter, qos, from, noLocal, retainAsPublished },
    ...(id === undefined ? {} : { id }),
    ...(share.value === undefined ? {} : { share: share.value }),
  };
}

/** What the options of the filters that match say of the PUBLISH. */
export function ownOptions(message: Delivered, { retainAsPublished, ids }: Match): FrameOptions {
  return {
    retain: retainAsPublished && message.retain,
    ...(ids.length === 0 ? {} : { own: { subscriptionIds: [...ids] } }),
  };
}
