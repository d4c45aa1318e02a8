import { messageToJsonText, type Properties, type QoS } from '@trivium/contracts';
import type { Delivered, Subscription } from '@trivium/delivery';
import type { MessageTracing } from '@trivium/telemetry';
import { withTraceContext } from './trace-context.ts';

/** Writes messages as `msg` frames: once per message and QoS for all clients that get it, unless the message is traced. */
export interface MessageFrames {
  /**
   * The frame for one client, shared with others: not to be changed. The QoS told is that of the delivery. `kept`: it is what the topic
   * retains, sent because of the subscription; it has no position to go on from.
   */
  frame(message: Delivered, sub: Subscription, client: string, kept?: boolean): Buffer;
}

export function createMessageFrames(tracing: MessageTracing): MessageFrames {
  let serial = -1;
  let qosOfLast: QoS = 0;
  let last: Buffer = Buffer.alloc(0);

  return {
    frame(message, sub, client, kept = false) {
      const qos = Math.min(message.qos, sub.qos) as QoS;
      const properties = message.properties;
      if (tracing.enabled && properties?.traceparent !== undefined) {
        const { traceparent, tracestate } = properties;
        const span = tracing.deliver(traceparent, message.topic, qos, client, tracestate);
        if (span !== undefined) {
          const bytes = encode(message, qos, kept, withTraceContext(properties, span));
          span.end();
          return bytes;
        }
      }
      if (serial !== message.serial || qosOfLast !== qos) {
        last = encode(message, qos, kept, properties);
        serial = message.serial;
        qosOfLast = qos;
      }
      return last;
    },
  };
}

/** `retain` says what a client of MQTT 3.1.1 is told: that this is not news [MQTT3-3.3.1-8] [MQTT3-3.3.1-9]. */
function encode(message: Delivered, qos: QoS, kept: boolean, properties: Properties | undefined): Buffer {
  const { topic, payload } = message;
  const pos = kept ? 0 : message.pos;
  const told =
    properties === undefined
      ? { topic, payload, qos, retain: kept }
      : { topic, payload, qos, retain: kept, properties };
  return Buffer.from(messageToJsonText(told, pos === 0 ? undefined : pos));
}
