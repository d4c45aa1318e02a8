import { messageToJsonText, type Properties, type QoS } from '@trivium/contracts';
import type { Delivered, Subscription } from '@trivium/delivery';
import type { MessageTracing } from '@trivium/telemetry';

/** Writes messages as Server-Sent Events: once per message and QoS for all streams that get it, unless the message is traced. */
export interface EventFrames {
  /**
   * The event for one stream, shared with others: not to be changed. `data` is the `msg` object of `trivium.v1`; the QoS told is that of
   * the delivery. `kept`: it is what the topic retains, sent because of the subscription; it has no position to go on from.
   */
  message(message: Delivered, sub: Subscription, client: string | undefined, kept?: boolean): Buffer;
}

export function createEventFrames(tracing: MessageTracing): EventFrames {
  let serial = -1;
  let qosOfLast: QoS = 0;
  let last: Buffer = Buffer.alloc(0);

  return {
    message(message, sub, client, kept = false) {
      const qos = Math.min(message.qos, sub.qos) as QoS;
      const properties = message.properties;
      if (tracing.enabled && properties?.traceparent !== undefined) {
        const { traceparent, tracestate } = properties;
        const span = tracing.deliver(traceparent, message.topic, qos, client, tracestate);
        if (span !== undefined) {
          const bytes = encode(message, qos, kept, reparented(properties, span.traceparent, span.tracestate));
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

/** An event that `onmessage` does not see. */
export function namedEvent(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A comment, which clients ignore; with `pos`, they remember it as the last event id without seeing an event. */
export function heartbeat(pos: number | undefined): string {
  return pos === undefined ? ': heartbeat\n\n' : `: heartbeat\nid: ${pos}\n\n`;
}

function reparented(properties: Properties, traceparent: string, tracestate: string | undefined): Properties {
  const { tracestate: _, ...rest } = properties;
  return tracestate === undefined ? { ...rest, traceparent } : { ...rest, traceparent, tracestate };
}

/** `retain` says what a client of MQTT 3.1.1 is told: that this is not news [MQTT3-3.3.1-8] [MQTT3-3.3.1-9]. */
function encode(message: Delivered, qos: QoS, kept: boolean, properties: Properties | undefined): Buffer {
  const { topic, payload } = message;
  const pos = kept ? 0 : message.pos;
  const told =
    properties === undefined
      ? { topic, payload, qos, retain: kept }
      : { topic, payload, qos, retain: kept, properties };
  const json = messageToJsonText(told, pos === 0 ? undefined : pos);
  // Embedded JSON keeps its line breaks; they are blanks there, and end a line here.
  const data = /[\r\n]/.test(json) ? json.replaceAll(/\r\n|\r|\n/g, '\ndata: ') : json;
  return Buffer.from(`event: message\n${pos === 0 ? '' : `id: ${pos}\n`}data: ${data}\n\n`);
}
