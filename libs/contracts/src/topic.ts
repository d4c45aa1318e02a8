import { accept, refuse } from './result.ts';
import type { Result } from './result.ts';

declare const topicBrand: unique symbol;

/** An MQTT topic name, checked by `parseTopic`. */
export type Topic = string & { readonly [topicBrand]: true };

export interface TopicLimits {
  /** Bytes of UTF-8. */
  readonly maxTopicBytes: number;
  readonly maxTopicLevels: number;
}

export const DEFAULT_TOPIC_LIMITS: TopicLimits = { maxTopicBytes: 16384, maxTopicLevels: 128 };

const NUL = 0x00;
const HASH = 0x23;
const DOLLAR = 0x24;
const PLUS = 0x2b;
const SLASH = 0x2f;

/**
 * The topic name in `raw`, or why it is none: MQTT 3.1.1 and 5, 4.7 [MQTT3-4.7.1-1, MQTT3-4.7.3-1, MQTT3-4.7.3-2, MQTT3-4.7.3-3] and
 * 1.5.3 [MQTT3-1.5.3-1]. Control characters and non-characters such as U+FFFE pass: the standard lets a server choose.
 */
export function parseTopic(raw: string, limits: TopicLimits = DEFAULT_TOPIC_LIMITS): Result<Topic> {
  const length = raw.length;
  if (length === 0) return refuse('topic.invalid', 'a topic has at least one character');
  let bytes = length;
  let levels = 1;
  for (let i = 0; i < length; i++) {
    const c = raw.charCodeAt(i);
    if (c < 0x80) {
      if (c === SLASH) levels++;
      else if (c === PLUS || c === HASH)
        return refuse('topic.invalid', 'a topic to publish to has no wildcards');
      else if (c === NUL) return refuse('topic.invalid', 'a topic must not contain U+0000');
    } else if (c < 0x800) bytes++;
    else if (c < 0xd800 || c > 0xdfff) bytes += 2;
    else if (isPair(raw, i, c)) {
      bytes += 2;
      i++;
    } else return refuse('topic.invalid', 'a topic must not contain a lone surrogate');
  }
  const problem = exceeds(bytes, levels, limits);
  return problem ?? accept(raw as Topic);
}

/** True for topics (and filters) whose first character is `$`: wildcards at the beginning do not reach them [MQTT3-4.7.2-1]. */
export function isDollar(topic: string): boolean {
  return topic.charCodeAt(0) === DOLLAR;
}

/** Whether the code unit `high` at `i` begins a surrogate pair. */
export function isPair(s: string, i: number, high: number): boolean {
  if (high > 0xdbff) return false;
  const low = s.charCodeAt(i + 1);
  return low >= 0xdc00 && low <= 0xdfff;
}

/** The refusal of something too long or too deep. Shared by topics and filters. */
export function exceeds(
  bytes: number,
  levels: number,
  limits: TopicLimits,
): ReturnType<typeof refuse> | undefined {
  if (bytes > limits.maxTopicBytes)
    return refuse('topic.too-long', `${bytes} bytes, at most ${limits.maxTopicBytes} are accepted`);
  if (levels > limits.maxTopicLevels)
    return refuse('topic.too-deep', `${levels} levels, at most ${limits.maxTopicLevels} are accepted`);
  return undefined;
}
