import {
  context,
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { createGapSampler, SAMPLED_AT_DOOR, type SamplerSettings } from './sampler.ts';
import { formatTraceparent, parseTraceparent } from './traceparent.ts';

const MAX_TOPIC_CHARACTERS = 256;
const MAX_TRACESTATE_CHARACTERS = 512;

/** A sampled message on its way through one door. */
export interface MessageSpan {
  /** 32 hexadecimal digits; for answers and logs. */
  readonly traceId: string;
  /** What the message carries on from here: it names this step as the parent of the next. */
  readonly traceparent: string;
  readonly tracestate: string | undefined;
  /** The step is over: stored, or written to the receiver; `errorCode` from the error table when it failed. Once. */
  end(errorCode?: string): void;
  /** Runs `work` with the span active, so that log lines in it carry its ids. */
  run<T>(work: () => T): T;
}

/**
 * Spans of messages at a door. Payloads, credentials and property values never become attributes; topics are cut at 256
 * characters. All methods are synchronous and never throw.
 */
export interface MessageTracing {
  /** False: both methods return undefined whatever they are given. */
  readonly enabled: boolean;
  /**
   * A message has come in at this door. `traceparent` and `tracestate` are what the sender gave (HTTP header, WebSocket
   * field, MQTT 5 user property), malformed ones count as none. Undefined when the message is not sampled: it then carries
   * no trace context through the bus. Otherwise it carries the span's `traceparent`; `end` it when the bus has answered.
   */
  receive(
    topic: string,
    qos: 0 | 1 | 2,
    client: string | undefined,
    traceparent?: string,
    tracestate?: string,
  ): MessageSpan | undefined;
  /**
   * A message is about to be written to a receiver. `traceparent` and `tracestate` are those of the message. Undefined when
   * it has none, is not sampled, or this process records nothing: the receiver then gets what the message carries. Otherwise
   * the receiver gets the span's `traceparent`.
   */
  deliver(
    traceparent: string | undefined,
    topic: string,
    qos: 0 | 1 | 2,
    client: string | undefined,
    tracestate?: string,
  ): MessageSpan | undefined;
}

/** Made by `startTelemetry().messageTracing(door)`; `door` is `mqtt`, `ws`, `http`, `aedes`: the names of its spans. */
export function createMessageTracing(
  door: string,
  tracer: Tracer | undefined,
  sampling: SamplerSettings,
): MessageTracing {
  if (tracer === undefined) return { enabled: false, receive: () => undefined, deliver: () => undefined };
  const exact = !sampling.parentBased && sampling.ratio > 0 && sampling.ratio < 1;
  const sampleRoot = exact ? () => true : createGapSampler(sampling.ratio);
  const decided = exact ? ROOT_CONTEXT : ROOT_CONTEXT.setValue(SAMPLED_AT_DOOR, true);
  const names = { receive: `receive ${door}`, publish: 'publish bus', deliver: `deliver ${door}` };

  return {
    enabled: true,
    receive(topic, qos, client, traceparent, tracestate) {
      const parent = traceparent === undefined ? undefined : remoteContext(traceparent, tracestate);
      if (parent === undefined && !sampleRoot()) return undefined;
      const attributes = describe(door, 'receive', 'receive', topic, qos, client);
      const received = tracer.startSpan(
        names.receive,
        { kind: SpanKind.CONSUMER, attributes },
        parent ?? decided,
      );
      if (!received.isRecording()) return undefined;
      const inside = trace.setSpan(ROOT_CONTEXT, received);
      const bus = describe('nats', 'publish', 'send', topic, qos, undefined);
      const published = tracer.startSpan(names.publish, { kind: SpanKind.PRODUCER, attributes: bus }, inside);
      return messageSpan(published, received);
    },
    deliver(traceparent, topic, qos, client, tracestate) {
      if (traceparent === undefined) return undefined;
      const parent = remoteContext(traceparent, tracestate);
      if (parent === undefined) return undefined;
      const attributes = describe(door, 'deliver', 'send', topic, qos, client);
      const span = tracer.startSpan(names.deliver, { kind: SpanKind.PRODUCER, attributes }, parent);
      return span.isRecording() ? messageSpan(span, undefined) : undefined;
    },
  };
}

function describe(
  via: string,
  operation: string,
  type: string,
  topic: string,
  qos: number,
  client: string | undefined,
): Attributes {
  const attributes: Attributes = {
    'messaging.system': via === 'nats' ? 'nats' : 'trivium',
    'messaging.operation.name': operation,
    'messaging.operation.type': type,
    'messaging.destination.name':
      topic.length > MAX_TOPIC_CHARACTERS ? topic.slice(0, MAX_TOPIC_CHARACTERS) : topic,
    'trivium.qos': qos,
  };
  if (via !== 'nats') attributes['trivium.door'] = via;
  if (client !== undefined) attributes['messaging.client.id'] = client;
  return attributes;
}

function remoteContext(traceparent: string, tracestate: string | undefined): Context | undefined {
  const parent = parseTraceparent(traceparent);
  if (parent === undefined) return undefined;
  if (tracestate !== undefined && tracestate.length <= MAX_TRACESTATE_CHARACTERS) {
    parent.traceState = createTraceState(tracestate);
  }
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

function messageSpan(span: Span, outer: Span | undefined): MessageSpan {
  const spanContext = span.spanContext();
  return {
    traceId: spanContext.traceId,
    traceparent: formatTraceparent(spanContext),
    tracestate: spanContext.traceState?.serialize() || undefined,
    end(errorCode) {
      fail(span, errorCode);
      span.end();
      if (outer === undefined) return;
      fail(outer, errorCode);
      outer.end();
    },
    run: (work) => context.with(trace.setSpan(context.active(), span), work),
  };
}

function fail(span: Span, errorCode: string | undefined): void {
  if (errorCode === undefined) return;
  span.setAttribute('error.type', errorCode);
  span.setStatus({ code: SpanStatusCode.ERROR, message: errorCode });
}
