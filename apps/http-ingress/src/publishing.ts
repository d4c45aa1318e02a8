import {
  encodeHeaders,
  errorCode,
  messageSubject,
  publisherName,
  topicToTokens,
  TriviumError,
  type Message,
  type Properties,
} from '@trivium/contracts';
import type { Bus } from '@trivium/bus';
import type { MessageSpan, MessageTracing } from '@trivium/telemetry';
import type { HttpStats } from './stats.ts';

/** Messages on their way into the bus. */
export interface Publishing {
  /**
   * Resolves when the bus has the message; with QoS 1 or `retain` when it is stored, at `pos`, and then is the retained one of its topic.
   * Rejects with a `TriviumError`; the retryable ones say that the outcome is unknown.
   */
  publish(message: Message): Promise<Published>;
}

export interface Published {
  readonly pos: number | undefined;
  /** Of the sampled span; undefined: the message is not sampled. */
  readonly traceId: string | undefined;
}

export interface PublishingOptions {
  bus: Pick<Bus, 'publisher' | 'retain'>;
  tracing: MessageTracing;
  stats: HttpStats;
}

export function createPublishing({ bus, tracing, stats }: PublishingOptions): Publishing {
  return {
    async publish(message) {
      const { topic, qos, client } = message;
      const { traceparent, tracestate } = message.properties ?? {};
      const span = tracing.receive(topic, qos, client, traceparent, tracestate);
      const properties = carriedProperties(message.properties, span, tracing.enabled);
      try {
        const pos = await put(message, properties);
        span?.end();
        return { pos, traceId: span?.traceId };
      } catch (error) {
        stats.publishesFailed++;
        span?.end(errorCode(error));
        throw error;
      }
    },
  };

  /** A retained message goes by the log whatever its QoS, and is retained with its position there (rule 5). */
  async function put(message: Message, properties: Properties | undefined): Promise<number | undefined> {
    const { topic, payload, qos, retain, client } = message;
    const { token, header } = publisherName(client);
    const tokens = topicToTokens(topic);
    const qosBelowSubject = retain && qos === 0 ? 0 : undefined;
    const headers = encodeHeaders({ properties, client: header, qosBelowSubject, retain });
    if (qos === 0) stats.publishedQos0++;
    else stats.publishedQos1++;
    if (qos === 0 && !retain) {
      if (bus.publisher.live(messageSubject(0, token, tokens), payload, headers)) return undefined;
      throw new TriviumError('bus.unavailable');
    }
    stats.openPublishes++;
    try {
      const subject = messageSubject(qos === 0 ? 1 : qos, token, tokens);
      const { pos } = await bus.publisher.store(subject, payload, headers);
      if (retain) {
        await bus.retain({ tokens, payload, qos, client, properties, pos });
        stats.retained++;
      }
      return pos;
    } finally {
      stats.openPublishes--;
    }
  }
}

/** The trace context of the span instead of the client's; none when we trace and the message is not sampled. */
function carriedProperties(
  properties: Properties | undefined,
  span: MessageSpan | undefined,
  traced: boolean,
): Properties | undefined {
  if (span === undefined && (!traced || properties?.traceparent === undefined)) return properties;
  const { traceparent: _, tracestate: __, ...rest } = properties ?? {};
  if (span === undefined) return rest;
  const { traceparent, tracestate } = span;
  return tracestate === undefined ? { ...rest, traceparent } : { ...rest, traceparent, tracestate };
}
