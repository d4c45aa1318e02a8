import type { Properties, QoS, Topic } from '@trivium/contracts';
import type { MessageSpan, Tracing } from './tracing.ts';

/** The span of a message from a client; MQTT 5 says in user properties which trace it belongs to. */
export function received(
  tracing: Tracing,
  topic: Topic,
  qos: QoS,
  client: string,
  properties: Properties | undefined,
): MessageSpan | undefined {
  const pairs = properties?.userProperties;
  const named = (wanted: string): string | undefined => pairs?.find(([name]) => name === wanted)?.[1];
  return tracing.receive(topic, qos, client, named('traceparent'), named('tracestate'));
}

/** What a message takes along: with the trace context of its span, when it has one. */
export function carried(
  properties: Properties | undefined,
  span: MessageSpan | undefined,
): Properties | undefined {
  if (span === undefined) return properties;
  const { traceparent, tracestate } = span;
  return tracestate === undefined
    ? { ...properties, traceparent }
    : { ...properties, traceparent, tracestate };
}
