import type { Properties } from '@trivium/contracts';
import type { MessageSpan } from '@trivium/telemetry';

/** The trace context of the span instead of the one that came; none when we trace and the message is not sampled. */
export function carriedProperties(
  properties: Properties | undefined,
  span: MessageSpan | undefined,
  traced: boolean,
): Properties | undefined {
  if (span !== undefined) return withTraceContext(properties, span);
  if (!traced || properties?.traceparent === undefined) return properties;
  const { traceparent: _, tracestate: __, ...rest } = properties;
  return rest;
}

/** The same with the span as the parent of the next step. */
export function withTraceContext(
  properties: Properties | undefined,
  { traceparent, tracestate }: Pick<MessageSpan, 'traceparent' | 'tracestate'>,
): Properties {
  const { tracestate: _, ...rest } = properties ?? {};
  return tracestate === undefined ? { ...rest, traceparent } : { ...rest, traceparent, tracestate };
}
