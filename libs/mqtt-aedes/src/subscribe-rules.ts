import { parseFilter, refuse, type Result, type TopicFilter, type TopicLimits } from '@trivium/contracts';
import { REPLACEMENT } from './connect-rules.ts';

/** What the door looks at in one entry of a SUBSCRIBE that aedes has read. */
export interface SubscribeRequest {
  readonly topic: string;
  readonly qos: number;
}

/**
 * The filter of an entry that the hub can serve, or why not. aedes answers with the QoS asked for, whatever a hook says: QoS 2 is
 * refused, since less cannot be granted.
 */
export function subscribeFilter({ topic, qos }: SubscribeRequest, limits: TopicLimits): Result<TopicFilter> {
  if (topic.includes(REPLACEMENT)) return refuse('filter.invalid', 'the filter is not UTF-8');
  const filter = parseFilter(topic, limits);
  if (filter.ok && qos > 1) return refuse('qos.unsupported', 'a subscription at QoS 2');
  return filter;
}
