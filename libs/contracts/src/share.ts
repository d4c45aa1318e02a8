import { accept, refuse } from './result.ts';
import { parseFilter, SHARE_PREFIX } from './topic-filter.ts';
import { DEFAULT_TOPIC_LIMITS } from './topic.ts';
import type { Result } from './result.ts';
import type { TopicFilter } from './topic-filter.ts';
import type { TopicLimits } from './topic.ts';

/** A shared subscription: `$share/{group}/{filter}`. */
export interface Share {
  readonly group: string;
  readonly filter: TopicFilter;
}

/**
 * The shared subscription in `raw`: MQTT 5, 4.8.2 [MQTT-4.8.2-1, MQTT-4.8.2-2]. `undefined` when `raw` does not ask for one (then it is for `parseFilter`).
 * The limits hold for the filter; group and filter together are bounded by the protocol's 65,535 bytes.
 */
export function parseShare(
  raw: string,
  limits: TopicLimits = DEFAULT_TOPIC_LIMITS,
): Result<Share | undefined> {
  if (!raw.startsWith(SHARE_PREFIX)) return accept(undefined);
  const end = raw.indexOf('/', SHARE_PREFIX.length);
  if (end === -1) return refuse('filter.invalid', 'a shared subscription is $share/{group}/{filter}');
  const group = raw.slice(SHARE_PREFIX.length, end);
  if (group === '')
    return refuse('filter.invalid', 'the group of a shared subscription has at least one character');
  if (group.includes('+') || group.includes('#'))
    return refuse('filter.invalid', 'the group of a shared subscription has no wildcards');
  if (group.includes('\0') || !group.isWellFormed())
    return refuse(
      'filter.invalid',
      'the group of a shared subscription must not contain U+0000 or a lone surrogate',
    );
  const inner = raw.slice(end + 1);
  if (inner.startsWith(SHARE_PREFIX))
    return refuse('filter.invalid', 'a shared subscription cannot hold another one');
  const filter = parseFilter(inner, limits);
  return filter.ok ? accept({ group, filter: filter.value }) : filter;
}
