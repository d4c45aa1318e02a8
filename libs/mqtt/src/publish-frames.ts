import type { QoS } from '@trivium/contracts';
import type { Delivered } from '@trivium/delivery';
import type { PacketProperties } from './codec/properties.ts';
import { encodeProperties } from './codec/property-writer.ts';
import {
  packetIdOffset,
  packetSize,
  publishBodySize,
  publishFirstByte,
  writePublish,
} from './codec/publish-writer.ts';
import { packetProperties } from './message-properties.ts';
import type { OutputArena } from './output-arena.ts';

/** What a single PUBLISH has beside its message. */
export interface FrameOptions {
  readonly retain?: boolean;
  readonly dup?: boolean;
  /** MQTT 5: beside the properties of the message. */
  readonly own?: PacketProperties;
  /** MQTT 5: the topic is left out, an alias in `own` stands for it. */
  readonly aliased?: boolean;
}

const NO_TOPIC = Buffer.from([0, 0]);
const NO_OPTIONS: FrameOptions = {};

/**
 * PUBLISH packets to clients of one form (3.1 and 3.1.1, or 5), written into the arena. A message is encoded once for all its receivers at
 * one QoS: at QoS 0 they share the bytes, at QoS 1 each gets a copy with its own packet id. After a call `buffer`, `start` and `end` say
 * where the packet is. Retain is 0 but where `single` is told so [MQTT3-3.3.1-8], [MQTT3-3.3.1-9].
 */
export class PublishFrames {
  buffer: Buffer;
  start = 0;
  end = 0;
  readonly #arena: OutputArena;
  /** For MQTT 5: wall clock, milliseconds since the epoch. */
  readonly #now: (() => number) | undefined;
  #serial0 = -1;
  #buffer0: Buffer;
  #start0 = 0;
  #end0 = 0;
  #serial1 = -1;
  #buffer1: Buffer;
  #start1 = 0;
  #end1 = 0;
  #idOffset = 0;

  /** `now`: the packets are those of MQTT 5, with properties. */
  constructor(arena: OutputArena, now?: () => number) {
    this.#arena = arena;
    this.#now = now;
    this.buffer = this.#buffer0 = this.#buffer1 = arena.buffer;
  }

  /** At QoS 0. */
  qos0(message: Delivered): void {
    if (message.serial !== this.#serial0) {
      this.#encode(message, 0, 0, NO_OPTIONS);
      this.#serial0 = message.serial;
      this.#buffer0 = this.buffer;
      this.#start0 = this.start;
      this.#end0 = this.end;
      return;
    }
    this.buffer = this.#buffer0;
    this.start = this.#start0;
    this.end = this.#end0;
  }

  /** At QoS 1, for the first time (DUP 0 [MQTT3-3.3.1-2]). */
  qos1(message: Delivered, packetId: number): void {
    if (message.serial !== this.#serial1) {
      this.#encode(message, 1, packetId, NO_OPTIONS);
      this.#serial1 = message.serial;
      this.#buffer1 = this.buffer;
      this.#start1 = this.start;
      this.#end1 = this.end;
      return;
    }
    const size = this.#end1 - this.#start1;
    const at = this.#arena.reserve(size);
    const { buffer } = this.#arena;
    if (buffer === this.#buffer1) buffer.copyWithin(at, this.#start1, this.#end1);
    else this.#buffer1.copy(buffer, at, this.#start1, this.#end1);
    buffer[at + this.#idOffset] = packetId >> 8;
    buffer[at + this.#idOffset + 1] = packetId & 0xff;
    this.#place(buffer, at, at + size);
  }

  /** One of its own, for one receiver. */
  single(message: Delivered, qos: QoS, packetId: number, options: FrameOptions = NO_OPTIONS): void {
    const idOffset = this.#idOffset;
    this.#encode(message, qos, packetId, options);
    this.#idOffset = idOffset; // that of the packet that others share
  }

  #encode(message: Delivered, qos: QoS, packetId: number, options: FrameOptions): void {
    const { payload } = message;
    const topicField = options.aliased === true ? NO_TOPIC : message.topicField;
    const properties =
      this.#now === undefined ? undefined : this.#properties(message, this.#now, options.own);
    const body = publishBodySize(topicField, payload, qos, properties);
    const at = this.#arena.reserve(packetSize(body));
    const { buffer } = this.#arena;
    const first = publishFirstByte(qos, options.retain === true, options.dup === true);
    const end = writePublish(buffer, at, first, body, topicField, packetId, properties, payload);
    if (qos === 1) this.#idOffset = packetIdOffset(body, topicField);
    this.#place(buffer, at, end);
  }

  #properties(message: Delivered, now: () => number, own: PacketProperties | undefined): Buffer {
    const { properties } = message;
    if (properties === undefined) return encodeProperties(own);
    const packet = packetProperties(properties, now());
    return encodeProperties(own === undefined ? packet : { ...packet, ...own });
  }

  #place(buffer: Buffer, start: number, end: number): void {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
  }
}
