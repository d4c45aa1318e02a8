import { accept, refuse } from './result.ts';
import { DEFAULT_TOPIC_LIMITS, exceeds, isPair } from './topic.ts';
import type { Result } from './result.ts';
import type { Topic, TopicLimits } from './topic.ts';

declare const filterBrand: unique symbol;

/** An MQTT topic filter without `$share`, checked by `parseFilter` or `parseShare`. */
export type TopicFilter = string & { readonly [filterBrand]: true };

export const SHARE_PREFIX = '$share/';

const NUL = 0x00;
const HASH = 0x23;
const DOLLAR = 0x24;
const PLUS = 0x2b;
const SLASH = 0x2f;

/**
 * The topic filter in `raw`, or why it is none: MQTT 3.1.1 and 5, 4.7 [MQTT3-4.7.1-2, MQTT3-4.7.1-3, MQTT3-4.7.3-1 to -3]. A shared
 * subscription is refused as `share.unsupported`: whoever offers them calls `parseShare` first.
 */
export function parseFilter(raw: string, limits: TopicLimits = DEFAULT_TOPIC_LIMITS): Result<TopicFilter> {
  if (raw.startsWith(SHARE_PREFIX))
    return refuse('share.unsupported', 'shared subscriptions are not offered here');
  const length = raw.length;
  if (length === 0) return refuse('filter.invalid', 'a topic filter has at least one character');
  let bytes = length;
  let levels = 1;
  for (let i = 0; i < length; i++) {
    const c = raw.charCodeAt(i);
    if (c < 0x80) {
      if (c === SLASH) levels++;
      else if (c === PLUS || c === HASH) {
        const begins = i === 0 || raw.charCodeAt(i - 1) === SLASH;
        const last = i + 1 === length;
        if (!begins || !(last || (c === PLUS && raw.charCodeAt(i + 1) === SLASH))) return misplaced(c);
      } else if (c === NUL) return refuse('filter.invalid', 'a topic filter must not contain U+0000');
    } else if (c < 0x800) bytes++;
    else if (c < 0xd800 || c > 0xdfff) bytes += 2;
    else if (isPair(raw, i, c)) {
      bytes += 2;
      i++;
    } else return refuse('filter.invalid', 'a topic filter must not contain a lone surrogate');
  }
  return exceeds(bytes, levels, limits) ?? accept(raw as TopicFilter);
}

function misplaced(wildcard: number): Result<TopicFilter> {
  return wildcard === HASH
    ? refuse('filter.invalid', '# stands alone in the last level')
    : refuse('filter.invalid', '+ stands alone in its level');
}

/** Whether `filter` matches `topic`: MQTT 4.7.1, `#` with its parent level, and no leading wildcard for `$` topics [MQTT3-4.7.2-1]. */
export function matches(filter: TopicFilter, topic: Topic): boolean {
  const filterEnd = filter.length;
  const topicEnd = topic.length;
  let f = 0;
  let t = 0;
  let c = filter.charCodeAt(0);
  if ((c === PLUS || c === HASH) && topic.charCodeAt(0) === DOLLAR) return false;
  for (;;) {
    c = filter.charCodeAt(f);
    if (c === HASH) return true;
    if (c === PLUS) {
      f++;
      while (t < topicEnd && topic.charCodeAt(t) !== SLASH) t++;
    } else {
      while (f < filterEnd && (c = filter.charCodeAt(f)) !== SLASH) {
        if (topic.charCodeAt(t) !== c) return false;
        f++;
        t++;
      }
      if (t < topicEnd && topic.charCodeAt(t) !== SLASH) return false;
    }
    if (f === filterEnd) return t === topicEnd;
    if (t === topicEnd) return f + 2 === filterEnd && filter.charCodeAt(f + 1) === HASH;
    f++;
    t++;
  }
}
