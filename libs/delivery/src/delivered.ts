import type { Properties, QoS, Topic } from '@trivium/contracts';

/** A message on its way to receivers: decoded lazily, shared by all of them, valid only during the call. */
export interface Delivered {
  readonly topic: Topic;
  /** The topic as MQTT writes it: two length bytes, then UTF-8. Cached per topic. */
  readonly topicField: Uint8Array;
  readonly payload: Uint8Array;
  /** The publisher's QoS. */
  readonly qos: QoS;
  /** Retain-as-published flag. */
  readonly retain: boolean;
  /** Log position; 0 for live messages. */
  readonly pos: number;
  /** Publisher's client id, if it had one. */
  readonly client: string | undefined;
  /** Undefined when the message carries none: no header is then decoded. */
  readonly properties: Properties | undefined;
  /** Grows by one with each message handed out: lets a receiver kind share bytes that it encoded for the same message. */
  readonly serial: number;
}
