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
import type { Publisher } from '@trivium/bus';
import type { MessageSpan, MessageTracing } from '@trivium/telemetry';
import type { HttpStats } from './stats.ts';

/** Messages on their way into the bus. */
export interface Publishing {
  /**
   * Resolves when the bus has the message; with QoS 1 when it is stored, at `pos`. Rejects with a `TriviumError`; the retryable ones say
   * that the outcome is unknown.
   */
  publish(message: Message): Promise<Published>;
}

export interface Published {
  readonly pos: number | undefined;
  /** Of the sampled span; undefined: the message is not sampled. */
  readonly traceId: string | undefined;
}

export interface PublishingOptions {
  publisher: Publisher;
  tracing: MessageTracing;
  stats: HttpStats;
}

export function createPublishing({ publisher, tracing, stats }: PublishingOptions): Publishing {
  return {
    async publish({ topic, payload, qos, properties, client }) {
      const { traceparent, tracestate } = properties ?? {};
      const span = tracing.receive(topic, qos, client, traceparent, tracestate);
      const carried = carriedProperties(properties, span, tracing.enabled);
      const { token, header } = publisherName(client);
      const headers = encodeHeaders({ properties: carried, client: header });
      const subject = messageSubject(qos, token, topicToTokens(topic));
      try {
        const pos = qos === 0 ? live(subject, payload, headers) : await store(subject, payload, headers);
        span?.end();
        return { pos, traceId: span?.traceId };
      } catch (error) {
        stats.publishesFailed++;
        span?.end(errorCode(error));
        throw error;
      }
    },
  };

  function live(subject: string, payload: Uint8Array, headers: Uint8Array | undefined): undefined {
    stats.publishedQos0++;
    if (!publisher.live(subject, payload, headers)) throw new TriviumError('bus.unavailable');
  }

  async function store(
    subject: string,
    payload: Uint8Array,
    headers: Uint8Array | undefined,
  ): Promise<number> {
    stats.publishedQos1++;
    stats.openPublishes++;
    try {
      return (await publisher.store(subject, payload, headers)).pos;
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
