import type { ErrorCode, Topic, TopicLimits } from '@trivium/contracts';
import { isCommandTopic, parseTopic, topicToTokens } from '@trivium/contracts';
import type { ContractSlot } from '@trivium/message-contracts';
import { decodeUtf8 } from './codec/utf8.ts';

/** A topic that clients publish to: checked, and in the form that subjects have. */
export interface TopicRoute extends ContractSlot {
  readonly topic: Topic;
  /** The topic name as clients write it, without its length. */
  readonly name: Buffer;
  /** Subject tokens. */
  readonly tokens: string;
  /** Reserved for commands: nothing is published to it. */
  readonly command: boolean;
}

const MAX_ROUTES = 20_000;

/** The topics published to lately, by the bytes of their names. Each is validated once, when it is first seen. */
export class TopicRoutes {
  /** Why the last `find` found nothing. */
  refusal: ErrorCode = 'topic.invalid';
  readonly #limits: TopicLimits;
  #recent = new Map<string, TopicRoute>();
  #older = new Map<string, TopicRoute>();

  constructor(limits: TopicLimits) {
    this.#limits = limits;
  }

  /**
   * The topic whose name is [start, end); undefined with a `refusal`: `protocol.malformed` for what is no topic name
   * ([MQTT3-3.3.2-1], [MQTT3-3.3.2-2], [MQTT3-4.7.3-1]), `topic.too-long` or `topic.too-deep` for what this door does not take.
   */
  find(buffer: Buffer, start: number, end: number): TopicRoute | undefined {
    const key = buffer.toString('latin1', start, end);
    const known = this.#recent.get(key);
    if (known !== undefined) return known;
    const route = this.#older.get(key) ?? this.#make(buffer, start, end);
    if (route === undefined) return undefined;
    if (this.#recent.size >= MAX_ROUTES) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(key, route);
    return route;
  }

  #make(buffer: Buffer, start: number, end: number): TopicRoute | undefined {
    const name = decodeUtf8(buffer, start, end);
    const topic = name === undefined ? undefined : parseTopic(name, this.#limits);
    if (!topic?.ok) {
      const code = topic?.error.code ?? 'topic.invalid';
      this.refusal = code === 'topic.invalid' ? 'protocol.malformed' : code;
      return undefined;
    }
    const copy = Buffer.from(buffer.subarray(start, end));
    const { value } = topic;
    return {
      topic: value,
      name: copy,
      tokens: topicToTokens(value),
      command: isCommandTopic(value),
      contract: undefined,
      contractsVersion: -1,
    };
  }
}

/** Whether [start, end) is the name of `route`: cheaper than finding it again. */
export function isRoute(route: TopicRoute, buffer: Buffer, start: number, end: number): boolean {
  const { name } = route;
  const { length } = name;
  if (end - start !== length) return false;
  if (length > 64) return name.compare(buffer, start, end) === 0;
  for (let i = length - 1; i >= 0; i--) if (name[i] !== buffer[start + i]) return false;
  return true;
}
