import * as type from './packet-type.ts';
import type { ProtocolLevel } from './packet-type.ts';
import type { PacketProperties } from './properties.ts';
import { encodeProperties } from './property-writer.ts';
import { variableByteIntegerSize, writeVariableByteInteger } from './remaining-length.ts';

/**
 * Packets from the server, other than PUBLISH. `code` is the return code of 3.1 and 3.1.1, or the reason code of 5; properties are
 * written in MQTT 5 only.
 */
export function encodeConnack(
  level: ProtocolLevel,
  sessionPresent: boolean,
  code: number,
  properties?: PacketProperties,
): Buffer {
  // MQTT 3.1 has no session present flag: the byte is reserved there.
  const head = Buffer.from([sessionPresent && level > 3 ? 1 : 0, code]);
  return packet(type.CONNACK << 4, level === 5 ? [head, encodeProperties(properties)] : [head]);
}

/** One code for each filter of the SUBSCRIBE, in its order [MQTT3-3.8.4-5], [MQTT3-3.9.3-1]. */
export function encodeSuback(
  level: ProtocolLevel,
  packetId: number,
  codes: readonly number[],
  properties?: PacketProperties,
): Buffer {
  const id = uint16(packetId);
  const list = Buffer.from(codes as number[]);
  return packet(type.SUBACK << 4, level === 5 ? [id, encodeProperties(properties), list] : [id, list]);
}

/** `codes`: one for each filter, MQTT 5 only [MQTT-3.11.3-1]. */
export function encodeUnsuback(
  level: ProtocolLevel,
  packetId: number,
  codes: readonly number[],
  properties?: PacketProperties,
): Buffer {
  const id = uint16(packetId);
  if (level < 5) return packet(type.UNSUBACK << 4, [id]);
  return packet(type.UNSUBACK << 4, [id, encodeProperties(properties), Buffer.from(codes as number[])]);
}

type Acknowledgement = typeof type.PUBACK | typeof type.PUBREC | typeof type.PUBREL | typeof type.PUBCOMP;

/** First byte of an acknowledgement; PUBREL has a flag set [MQTT3-3.6.1-1]. */
export function acknowledgementFirstByte(packetType: Acknowledgement): number {
  return (packetType << 4) | (packetType === type.PUBREL ? 2 : 0);
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP. In MQTT 5 reason and properties are left out where they say nothing. */
export function encodeAcknowledgement(
  level: ProtocolLevel,
  packetType: Acknowledgement,
  packetId: number,
  reason = 0,
  properties?: PacketProperties,
): Buffer {
  const first = acknowledgementFirstByte(packetType);
  const id = uint16(packetId);
  if (level < 5 || (reason === 0 && properties === undefined)) return packet(first, [id]);
  const code = Buffer.from([reason]);
  return packet(first, properties === undefined ? [id, code] : [id, code, encodeProperties(properties)]);
}

/** MQTT 5 only: before it a server says nothing when it closes. */
export function encodeDisconnect(reason: number, properties?: PacketProperties): Buffer {
  return packet(type.DISCONNECT << 4, [Buffer.from([reason]), encodeProperties(properties)]);
}

/** MQTT 5 only. */
export function encodeAuth(reason: number, properties?: PacketProperties): Buffer {
  return packet(type.AUTH << 4, [Buffer.from([reason]), encodeProperties(properties)]);
}

export function encodePingresp(): Buffer {
  return packet(type.PINGRESP << 4, []);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

function packet(first: number, fields: readonly Buffer[]): Buffer {
  let size = 0;
  for (const field of fields) size += field.length;
  const bytes = Buffer.allocUnsafe(1 + variableByteIntegerSize(size) + size);
  bytes[0] = first;
  let at = writeVariableByteInteger(bytes, 1, size);
  for (const field of fields) at += field.copy(bytes, at);
  return bytes;
}
