import type { Link } from './link.ts';
import type { OutBuffer } from './out-buffer.ts';
import { publishTemplate, type Level, type PublishTemplate } from './packets.ts';

export interface PublisherOptions {
  id: number;
  topic: string;
  qos: 0 | 1;
  payloadBytes: number;
  /** Messages that may be on their way; also the limit of unacknowledged ones at QoS 1. */
  window: number;
  /** Subscribers that are to receive each of its messages. */
  fanout: number;
  quota: number;
  level?: Level;
}

/** A fixed-rate publisher does not outrun the packet ids. */
const MOST_UNACKNOWLEDGED = 60_000;

/** What one publisher has sent, and how much of it has come back. */
export class Publisher {
  readonly id: number;
  readonly fanout: number;
  link: Link | undefined;
  quota: number;
  sent = 0;
  acknowledged = 0;
  unacknowledged = 0;
  /** Deliveries, each (message, subscriber) pair once. */
  received = 0;
  /** Deliveries given up as lost, so that their window is free again. */
  forgiven = 0;
  /** In the queue of those that may have something to send. */
  queued = false;
  readonly #window: number;
  readonly #template: PublishTemplate;
  /** One bit per packet id in flight; QoS 1. */
  readonly #inFlight: Uint8Array | undefined;
  #packetId = 0;

  constructor(options: PublisherOptions) {
    this.id = options.id;
    this.fanout = options.fanout;
    this.quota = options.quota;
    this.#window = options.window;
    this.#template = publishTemplate(
      options.topic,
      options.qos,
      options.payloadBytes,
      options.id,
      options.level,
    );
    this.#inFlight = options.qos === 1 ? new Uint8Array(8_192) : undefined;
  }

  /** Deliveries still to come; negative when what was given up arrived after all. */
  get outstanding(): number {
    return this.sent * this.fanout - this.received - this.forgiven;
  }

  /** May send now without more than its window being on its way. */
  get hasCredit(): boolean {
    return (
      this.canSend &&
      this.unacknowledged < this.#window &&
      this.outstanding < this.#window * Math.max(1, this.fanout)
    );
  }

  /** May send now whatever is on its way. */
  get canSend(): boolean {
    return (
      this.sent < this.quota &&
      this.unacknowledged < MOST_UNACKNOWLEDGED &&
      this.link !== undefined &&
      this.link.isOpen &&
      !this.link.blocked
    );
  }

  /** Appends one PUBLISH packet. `now` is the send time in its payload. */
  encode(out: OutBuffer, now: number): void {
    const { bytes, idAt, payloadAt } = this.#template;
    const at = out.room(bytes.length);
    const target = out.bytes;
    bytes.copy(target, at);
    if (this.#inFlight !== undefined) target.writeUInt16BE(this.#takePacketId(this.#inFlight), at + idAt);
    target.writeDoubleBE(now, at + payloadAt);
    target.writeUInt32BE(this.sent, at + payloadAt + 12);
    this.sent++;
  }

  /** False for a packet id that is not in flight. */
  acknowledge(packetId: number): boolean {
    const inFlight = this.#inFlight;
    const bits = inFlight?.[packetId >>> 3];
    const bit = 1 << (packetId & 7);
    if (inFlight === undefined || bits === undefined || (bits & bit) === 0) return false;
    inFlight[packetId >>> 3] = bits & ~bit;
    this.unacknowledged--;
    this.acknowledged++;
    return true;
  }

  #takePacketId(inFlight: Uint8Array): number {
    let id = this.#packetId;
    do id = id === 0xffff ? 1 : id + 1;
    while (((inFlight[id >>> 3] as number) >>> (id & 7)) & 1);
    inFlight[id >>> 3] = (inFlight[id >>> 3] as number) | (1 << (id & 7));
    this.#packetId = id;
    this.unacknowledged++;
    return id;
  }
}
