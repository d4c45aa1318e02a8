import type { Topic } from './topic.ts';

/** MQTT quality of service: at most once, at least once, exactly once. */
export type QoS = 0 | 1 | 2;

/** What a message says about itself beside topic and payload: the PUBLISH properties of MQTT 5 that travel, and the trace context. */
export interface Properties {
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  /** 1: the publisher says that the payload is UTF-8. */
  readonly payloadFormat?: 0 | 1;
  /** Milliseconds since the epoch; not to be delivered after. */
  readonly expiresAt?: number;
  /** In order, names may repeat. */
  readonly userProperties?: readonly (readonly [name: string, value: string])[];
  /** W3C Trace Context; present when the message is sampled. */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** A message between a publisher and its receivers, whatever the protocols at both ends. */
export interface Message {
  readonly topic: Topic;
  /** The publisher's own bytes. */
  readonly payload: Uint8Array;
  readonly qos: QoS;
  /** As published. */
  readonly retain: boolean;
  /** Publisher's client id, if it has one. */
  readonly client?: string;
  readonly properties?: Properties;
}
