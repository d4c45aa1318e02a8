import {
  decodeProperties,
  decodeQos,
  retainedSubject,
  tokensToTopic,
  topicToTokens,
  type Properties,
  type QoS,
  type Topic,
} from '@trivium/contracts';
import type { Bus, StoredMessage } from '@trivium/bus';

/** The retained message of a topic. */
export interface RetainedMessage {
  readonly topic: Topic;
  readonly payload: Uint8Array;
  /** As published. */
  readonly qos: QoS;
  /** Milliseconds since the epoch. */
  readonly retainedAt: number;
  readonly properties: Properties | undefined;
}

export interface RetainedPage {
  readonly messages: readonly RetainedMessage[];
  /** There are more: `after` of the next page. */
  readonly next: number | undefined;
}

/** What is retained in the hub. */
export interface RetainedMessages {
  get(topic: Topic): Promise<RetainedMessage | undefined>;
  /**
   * A page of those that `mayShow`, in the order in which the messages were retained, the oldest first. One that is replaced between two
   * pages comes once more; none is left out. A page may be short of `max`, or empty, and not be the last.
   */
  list(after: number, max: number, mayShow: (topic: Topic) => boolean): Promise<RetainedPage>;
}

const READ_AT_ONCE = 200;
/** Looked at for one page. */
const MAX_LOOKED_AT = 10_000;
const SUBJECT = retainedSubject('');

export function createRetainedMessages(
  bus: Pick<Bus, 'readLast' | 'readAfter'>,
  now: () => number,
): RetainedMessages {
  /** Undefined: cleared, expired, or not ours. */
  const decode = ({ subject, data, headers, storedAt }: StoredMessage): RetainedMessage | undefined => {
    const topic = tokensToTopic(subject.slice(SUBJECT.length));
    if (topic === undefined || data.length === 0) return undefined;
    const get = (name: string): string | undefined => headers?.get(name) || undefined;
    const properties = decodeProperties(get, (name) => headers?.values(name) ?? []);
    if (properties?.expiresAt !== undefined && properties.expiresAt <= now()) return undefined;
    return { topic, payload: data, qos: decodeQos(2, get), retainedAt: storedAt, properties };
  };

  return {
    async get(topic) {
      const found = await bus.readLast('RETAINED', retainedSubject(topicToTokens(topic)));
      return found && decode(found);
    },
    async list(after, max, mayShow) {
      const messages: RetainedMessage[] = [];
      let last = after;
      let lookedAt = 0;
      for (let at = after; ;) {
        if (lookedAt >= MAX_LOOKED_AT) return { messages, next: at };
        const read = await bus.readAfter('RETAINED', at, READ_AT_ONCE);
        if (read.length === 0) return { messages, next: undefined };
        for (const one of read) {
          at = one.pos;
          lookedAt++;
          const message = decode(one);
          if (message === undefined || !mayShow(message.topic)) continue;
          if (messages.length === max) return { messages, next: last };
          messages.push(message);
          last = at;
        }
      }
    },
  };
}
