/** A sampled message at this door. */
export interface MessageSpan {
  /** What the message carries on: it names this step as the parent of the next. */
  readonly traceparent: string;
  readonly tracestate: string | undefined;
  /** Once, when the step is over; with the code when it failed. */
  end(errorCode?: string): void;
}

/** Where the door tells of messages; `startTelemetry().messageTracing('mqtt')` of `@trivium/telemetry` fits. */
export interface Tracing {
  /** False: the door asks nothing else, and a message costs this one test. */
  readonly enabled: boolean;
  /** A message has come in. Undefined: not sampled. */
  receive(
    topic: string,
    qos: 0 | 1 | 2,
    client: string | undefined,
    traceparent?: string,
    tracestate?: string,
  ): MessageSpan | undefined;
  /** A message that carries `traceparent` is being written to a client. Undefined: not sampled. */
  deliver(
    traceparent: string | undefined,
    topic: string,
    qos: 0 | 1 | 2,
    client: string | undefined,
    tracestate?: string,
  ): MessageSpan | undefined;
}

export const NO_TRACING: Tracing = {
  enabled: false,
  receive: () => undefined,
  deliver: () => undefined,
};
