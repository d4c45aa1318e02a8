import {
  decodeClient,
  decodeProperties,
  decodeQos,
  decodeRetain,
  type HeaderGet,
  type Properties,
  type QoS,
  type Topic,
} from '@trivium/contracts';
import type { BusMessage, FetchedMessage } from '@trivium/bus';
import type { Delivered } from './delivered.ts';
import type { TopicEntry } from './topics.ts';

const NO_MESSAGE = undefined as unknown as FetchedMessage;
const NO_ENTRY = undefined as unknown as TopicEntry;
/** `tv1.m.<q>.` */
const CLIENT_AT = 8;

let serials = 0;

/**
 * The one message that a dispatcher hands round: filled anew for each message from NATS, decoded as far as somebody looks.
 * `wire` keeps the QoS by the subject, which decides the path; `qos` is the publisher's.
 */
export class DeliveredMessage implements Delivered {
  #message = NO_MESSAGE;
  #entry = NO_ENTRY;
  #payload: Uint8Array | undefined;
  #properties: Properties | null | undefined;
  #headers: BusMessage['headers'] | null = null;
  wire: QoS = 0;
  pos = 0;
  serial = 0;

  fill(message: FetchedMessage, entry: TopicEntry, wire: QoS, pos: number): this {
    this.#message = message;
    this.#entry = entry;
    this.#payload = undefined;
    this.#properties = null;
    this.#headers = null;
    this.wire = wire;
    this.pos = pos;
    this.serial = ++serials;
    return this;
  }

  get topic(): Topic {
    return this.#entry.topic;
  }
  get topicField(): Uint8Array {
    return this.#entry.topicField;
  }
  get payload(): Uint8Array {
    return (this.#payload ??= this.#message.data);
  }
  get qos(): QoS {
    return this.#decoded() === undefined ? this.wire : decodeQos(this.wire, this.#header);
  }
  get retain(): boolean {
    return this.#decoded() !== undefined && decodeRetain(this.#header);
  }
  get client(): string | undefined {
    const subject = this.#message.subject;
    return decodeClient(subject.slice(CLIENT_AT, subject.indexOf('.', CLIENT_AT)), this.#header);
  }
  get properties(): Properties | undefined {
    if (this.#properties === null) {
      const headers = this.#decoded();
      this.#properties = headers && decodeProperties(this.#header, (name) => headers.values(name));
    }
    return this.#properties;
  }

  #decoded(): BusMessage['headers'] {
    if (this.#headers === null) this.#headers = this.#message.headers;
    return this.#headers;
  }

  readonly #header: HeaderGet = (name) => this.#decoded()?.get(name) || undefined;
}

/** Reads the fixed part of `tv1.m.<q>.<client>.<topic…>`. */
export function wireQos(subject: string): QoS {
  return (subject.charCodeAt(6) - 48) as QoS;
}

export function topicTokens(subject: string): string {
  return subject.slice(subject.indexOf('.', CLIENT_AT) + 1);
}
