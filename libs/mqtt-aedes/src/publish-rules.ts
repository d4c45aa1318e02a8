import { parseTopic, refuse, type Result, type Topic, type TopicLimits } from '@trivium/contracts';
import { REPLACEMENT } from './connect-rules.ts';

/** What the door looks at in a PUBLISH that aedes has read. */
export interface PublishRequest {
  readonly topic: string;
  readonly qos: number;
  readonly retain: boolean;
}

/**
 * The topic of a PUBLISH that the hub can carry, or why not: exactly once and retained messages would come from aedes' own memory,
 * `$SYS/` is the broker's. A topic with U+FFFD is taken for one that was not UTF-8 [MQTT3-1.5.3-1].
 */
export function publishTopic({ topic, qos, retain }: PublishRequest, limits: TopicLimits): Result<Topic> {
  if (qos > 1) return refuse('qos.unsupported', 'a PUBLISH at QoS 2');
  if (retain) return refuse('retain.unsupported', 'a retained PUBLISH');
  if (topic.includes(REPLACEMENT)) return refuse('topic.invalid', 'the topic is not UTF-8');
  if (topic.startsWith('$SYS/')) return refuse('topic.invalid', '$SYS/ belongs to the broker'); // section 4.7.2
  return parseTopic(topic, limits);
}
