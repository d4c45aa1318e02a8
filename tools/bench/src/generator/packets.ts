/**
 * The little of MQTT 3.1.1 and 5 that a load generator speaks. It shares no code with the hub on purpose: one
 * misunderstanding in both would measure itself.
 */
export const CONNACK = 2;
export const PUBLISH = 3;
export const PUBACK = 4;
export const SUBACK = 9;

export const DISCONNECT: Buffer = Buffer.from([0xe0, 0]);

/** At the start of each payload: send time (ms of `performance.now()`, float64), publisher, sequence (uint32). */
export const PAYLOAD_HEADER_BYTES = 16;

/** 3.1.1 or 5. */
export type Level = 4 | 5;

export function connectPacket(clientId: string, clean: boolean, level: Level = 4): Buffer {
  const keepAliveOff = [0, 0];
  const head = Buffer.from([level, clean ? 2 : 0, ...keepAliveOff]);
  return packet(0x10, [text('MQTT'), head, noProperties(level), text(clientId)]);
}

export function subscribePacket(packetId: number, filter: string, qos: 0 | 1, level: Level = 4): Buffer {
  return packet(0x82, [uint16(packetId), noProperties(level), text(filter), Buffer.from([qos])]);
}

/** In MQTT 5 their length, 0. */
function noProperties(level: Level): Buffer {
  return Buffer.alloc(level === 5 ? 1 : 0);
}

export interface PublishTemplate {
  bytes: Buffer;
  /** Where the packet id stands; QoS 1. */
  idAt: number;
  payloadAt: number;
}

/** PUBLISH packets of one publisher differ in packet id, time and sequence only: the rest is encoded once. */
export function publishTemplate(
  topic: string,
  qos: 0 | 1,
  payloadBytes: number,
  publisher: number,
  level: Level = 4,
): PublishTemplate {
  const payload = Buffer.alloc(payloadBytes);
  for (let i = PAYLOAD_HEADER_BYTES; i < payloadBytes; i++) payload[i] = 0x61 + (i % 26);
  payload.writeUInt32BE(publisher, 8);
  const bytes = packet(0x30 | (qos << 1), [
    text(topic),
    ...(qos ? [uint16(0)] : []),
    noProperties(level),
    payload,
  ]);
  const payloadAt = bytes.length - payloadBytes;
  return { bytes, idAt: payloadAt - 2 - (level === 5 ? 1 : 0), payloadAt };
}

function packet(firstByte: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  for (let rest = body.length; ; rest >>>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) break;
  }
  return Buffer.concat([Buffer.from([firstByte, ...length]), body]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([uint16(bytes.length), bytes]);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >>> 8, value & 0xff]);
}
