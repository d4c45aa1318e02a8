import type { ErrorCode, QoS } from '@trivium/contracts';
import { BodyReader } from './body-reader.ts';
import type { ProtocolLevel } from './packet-type.ts';
import type { PacketProperties } from './properties.ts';
import { readProperties } from './properties.ts';

/**
 * One PUBLISH, read where it lies. One view is used for packet after packet: what it shows is good until the next `read`.
 * Of the topic it gives only the place: whether it is a legal topic name is for whoever knows topics (`TopicRoutes`).
 */
export class PublishView {
  qos: QoS = 0;
  dup = false;
  retain = false;
  /** 0 for QoS 0. */
  packetId = 0;
  topicStart = 0;
  topicEnd = 0;
  payloadStart = 0;
  payloadEnd = 0;
  /** MQTT 5; undefined when there are none. */
  properties: PacketProperties | undefined;
  /** Why `read` said false. */
  failure = '';
  code: ErrorCode = 'protocol.malformed';

  /** `first` is a first byte that the splitter let pass, [start, end) the body. False: it cannot be taken. */
  read(first: number, buffer: Buffer, start: number, end: number, level: ProtocolLevel): boolean {
    const qos = ((first >> 1) & 3) as QoS;
    this.qos = qos;
    this.dup = (first & 0x08) !== 0;
    this.retain = (first & 0x01) !== 0;
    if (end - start < 2) return this.#fail('topic is missing');
    const topicStart = start + 2;
    let at = topicStart + ((buffer[start]! << 8) | buffer[start + 1]!);
    this.topicStart = topicStart;
    this.topicEnd = at;
    if (at > end) return this.#fail('topic is cut short');
    this.packetId = 0;
    if (qos > 0) {
      if (end - at < 2) return this.#fail('packet identifier is missing');
      this.packetId = (buffer[at]! << 8) | buffer[at + 1]!;
      if (this.packetId === 0) return this.#fail('packet identifier is 0', 'protocol.error'); // [MQTT3-2.3.1-1]
      at += 2;
    }
    this.payloadStart = at;
    this.payloadEnd = end;
    this.properties = undefined;
    return level < 5 || this.#readProperties(buffer, at, end);
  }

  #readProperties(buffer: Buffer, at: number, end: number): boolean {
    if (at < end && buffer[at] === 0) {
      this.payloadStart = at + 1;
      return true;
    }
    const reader = new BodyReader(buffer, at, end);
    this.properties = readProperties(reader, 'publish');
    if (reader.failure !== undefined) return this.#fail(reader.failure, reader.code);
    if (this.properties?.subscriptionIds !== undefined)
      return this.#fail('subscription identifier from a client', 'protocol.error'); // [MQTT-3.3.4-6]
    this.payloadStart = reader.at;
    return true;
  }

  #fail(reason: string, code: ErrorCode = 'protocol.malformed'): false {
    this.failure = reason;
    this.code = code;
    return false;
  }
}
