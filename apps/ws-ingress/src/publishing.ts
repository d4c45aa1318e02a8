import {
  encodeHeaders,
  messageSubject,
  topicToTokens,
  TriviumError,
  type ErrorCode,
  type Message,
  type Properties,
  type PublisherName,
} from '@trivium/contracts';
import type { Publisher, StoreSink } from '@trivium/bus';
import type { MessageSpan, MessageTracing } from '@trivium/telemetry';
import type { FrameId } from './codec.ts';
import type { WsStats } from './stats.ts';

/** The messages of one client on their way into the bus. */
export interface Publishing {
  /** Messages that wait to be stored. */
  readonly open: number;
  publish(id: FrameId | undefined, message: Message): void;
}

export interface PublishingOptions {
  publisher: Publisher;
  client: string;
  name: PublisherName;
  tracing: MessageTracing;
  stats: WsStats;
  /** The bus has the message; `pos` when it is stored in the log. */
  onDone(id: FrameId | undefined, pos: number | undefined): void;
  onFailed(id: FrameId | undefined, error: TriviumError): void;
}

interface OpenPublish {
  readonly id: FrameId | undefined;
  readonly span: MessageSpan | undefined;
}

/** What a retry is worth waiting for, by what went wrong. */
const RETRY_AFTER_MS = 1_000;

export function createPublishing(options: PublishingOptions): Publishing {
  const { publisher, client, name, tracing, stats, onDone, onFailed } = options;
  const waiting = new Map<number, OpenPublish>();
  let tokens = 0;

  const settle = (token: number): OpenPublish => {
    const publish = waiting.get(token)!;
    waiting.delete(token);
    stats.openPublishes--;
    return publish;
  };

  const fail = ({ id, span }: OpenPublish, code: ErrorCode): void => {
    span?.end(code);
    stats.publishesFailed++;
    onFailed(id, new TriviumError(code, undefined, { retryAfterMs: RETRY_AFTER_MS }));
  };

  const sink: StoreSink = {
    stored(token, pos) {
      const { id, span } = settle(token);
      span?.end();
      onDone(id, pos);
    },
    failed: (token, code) => fail(settle(token), code),
  };

  return {
    get open() {
      return waiting.size;
    },
    publish(id, { topic, payload, qos, properties }) {
      const { traceparent, tracestate } = properties ?? {};
      const span = tracing.receive(topic, qos, client, traceparent, tracestate);
      const carried = carriedProperties(properties, span, tracing.enabled);
      const headers = encodeHeaders({ properties: carried, client: name.header });
      const subject = messageSubject(qos, name.token, topicToTokens(topic));
      if (qos === 0) {
        stats.publishedQos0++;
        if (!publisher.live(subject, payload, headers)) return fail({ id, span }, 'bus.unavailable');
        span?.end();
        return onDone(id, undefined);
      }
      stats.publishedQos1++;
      stats.openPublishes++;
      const token = tokens++;
      waiting.set(token, { id, span });
      publisher.durable(subject, payload, headers, sink, token);
    },
  };
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
