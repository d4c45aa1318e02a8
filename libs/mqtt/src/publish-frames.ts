import type { QoS } from '@trivium/contracts';
import type { Delivered } from '@trivium/delivery';
import {
  packetIdOffset,
  packetSize,
  publishBodySize,
  publishFirstByte,
  writePublish,
} from './codec/publish-writer.ts';
import type { OutputArena } from './output-arena.ts';

/**
 * PUBLISH packets to clients of 3.1 and 3.1.1, written into the arena. A message is encoded once for all its receivers at one QoS: at
 * QoS 0 they share the bytes, at QoS 1 each gets a copy with its own packet id. After a call `buffer`, `start` and `end` say where
 * the packet is. Retain is 0 but for retained messages sent to a new subscription [MQTT-3.3.1-8], [MQTT-3.3.1-9].
 */
export class PublishFrames {
  buffer: Buffer;
  start = 0;
  end = 0;
  readonly #arena: OutputArena;
  #serial0 = -1;
  #buffer0: Buffer;
  #start0 = 0;
  #end0 = 0;
  #serial1 = -1;
  #buffer1: Buffer;
  #start1 = 0;
  #end1 = 0;
  #idOffset = 0;

  constructor(arena: OutputArena) {
    this.#arena = arena;
    this.buffer = this.#buffer0 = this.#buffer1 = arena.buffer;
  }

  /** At QoS 0. */
  qos0(message: Delivered): void {
    if (message.serial !== this.#serial0) {
      this.#encode(message, 0, 0);
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

  /** At QoS 1, for the first time (DUP 0 [MQTT-3.3.1-2]). */
  qos1(message: Delivered, packetId: number): void {
    if (message.serial !== this.#serial1) {
      this.#encode(message, 1, packetId);
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
  single(message: Delivered, qos: QoS, packetId: number, { retain = false, dup = false } = {}): void {
    this.#encode(message, qos, packetId, retain, dup);
  }

  #encode(message: Delivered, qos: QoS, packetId: number, retain = false, dup = false): void {
    const { topicField, payload } = message;
    const body = publishBodySize(topicField, payload, qos);
    const at = this.#arena.reserve(packetSize(body));
    const { buffer } = this.#arena;
    const first = publishFirstByte(qos, retain, dup);
    const end = writePublish(buffer, at, first, body, topicField, packetId, undefined, payload);
    if (qos === 1) this.#idOffset = packetIdOffset(body, topicField);
    this.#place(buffer, at, end);
  }

  #place(buffer: Buffer, start: number, end: number): void {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
  }
}
