import type { QoS } from '@trivium/contracts';
import { PUBLISH } from './packet-type.ts';
import { variableByteIntegerSize, writeVariableByteInteger } from './remaining-length.ts';

/** Bytes between the fixed header and the payload of a PUBLISH. `properties` as `encodeProperties` makes them; undefined before MQTT 5. */
export function publishBodySize(
  topicField: Uint8Array,
  payload: Uint8Array,
  qos: QoS,
  properties?: Uint8Array,
): number {
  return topicField.length + (qos > 0 ? 2 : 0) + (properties?.length ?? 0) + payload.length;
}

/** Size of the whole packet with that body. */
export function packetSize(bodySize: number): number {
  return 1 + variableByteIntegerSize(bodySize) + bodySize;
}

/** First byte of a PUBLISH. */
export function publishFirstByte(qos: QoS, retain: boolean, dup: boolean): number {
  return (PUBLISH << 4) | (dup ? 0x08 : 0) | (qos << 1) | (retain ? 0x01 : 0);
}

/**
 * Writes a PUBLISH at `at`, where there is room for it; returns the offset after it. `topicField` is the topic with its two length
 * bytes. The offset of the packet id, when there is one, is that of the packet plus `packetIdOffset`.
 */
export function writePublish(
  buffer: Buffer,
  at: number,
  firstByte: number,
  bodySize: number,
  topicField: Uint8Array,
  packetId: number,
  properties: Uint8Array | undefined,
  payload: Uint8Array,
): number {
  buffer[at] = firstByte;
  let offset = writeVariableByteInteger(buffer, at + 1, bodySize);
  offset = copy(topicField, buffer, offset);
  if ((firstByte & 0x06) !== 0) {
    buffer[offset] = packetId >> 8;
    buffer[offset + 1] = packetId & 0xff;
    offset += 2;
  }
  if (properties !== undefined) offset = copy(properties, buffer, offset);
  return copy(payload, buffer, offset);
}

/** Where the packet id of a PUBLISH with that body stands, from the packet's first byte. */
export function packetIdOffset(bodySize: number, topicField: Uint8Array): number {
  return 1 + variableByteIntegerSize(bodySize) + topicField.length;
}

/** Below this a loop is quicker than a call into the engine. */
const SHORT = 48;

function copy(from: Uint8Array, to: Buffer, at: number): number {
  const { length } = from;
  if (length < SHORT) for (let i = 0; i < length; i++) to[at + i] = from[i]!;
  else to.set(from, at);
  return at + length;
}
