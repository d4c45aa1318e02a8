/**
 * The MQTT 3.1.1 of a strict client. It shares no code with the hub on purpose: one misunderstanding in both
 * would find itself right.
 */
export const CONNACK = 2;
export const PUBLISH = 3;
export const PUBACK = 4;
export const PUBREC = 5;
export const PUBREL = 6;
export const PUBCOMP = 7;
export const SUBACK = 9;
export const UNSUBACK = 11;
export const PINGRESP = 13;

export const PINGREQ_PACKET: Buffer = Buffer.from([0xc0, 0]);
export const DISCONNECT_PACKET: Buffer = Buffer.from([0xe0, 0]);

export type QoS = 1 | 2;

export interface Will {
  readonly topic: string;
  readonly payload: string;
  readonly qos: QoS;
  readonly retain: boolean;
}

export interface Connect {
  readonly clientId: string;
  readonly clean: boolean;
  readonly keepAliveSeconds: number;
  readonly will?: Will | undefined;
}

export function connectPacket({ clientId, clean, keepAliveSeconds, will }: Connect): Buffer {
  let flags = clean ? 2 : 0;
  if (will !== undefined) flags |= 4 | (will.qos << 3) | (will.retain ? 32 : 0);
  return packet(0x10, [
    text('MQTT'),
    Buffer.from([4, flags]),
    uint16(keepAliveSeconds),
    text(clientId),
    ...(will === undefined ? [] : [text(will.topic), text(will.payload)]),
  ]);
}

export interface Publish {
  readonly topic: string;
  readonly payload: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly packetId: number;
}

export function publishPacket({ topic, payload, qos, retain, dup, packetId }: Publish): Buffer {
  const first = 0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  return packet(first, [text(topic), uint16(packetId), Buffer.from(payload)]);
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export function answerPacket(type: number, packetId: number): Buffer {
  return packet((type << 4) | (type === PUBREL ? 2 : 0), [uint16(packetId)]);
}

export function subscribePacket(packetId: number, filter: string, qos: QoS): Buffer {
  return packet(0x82, [uint16(packetId), text(filter), Buffer.from([qos])]);
}

export function unsubscribePacket(packetId: number, filter: string): Buffer {
  return packet(0xa2, [uint16(packetId), text(filter)]);
}

export interface Received {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 at QoS 0. */
  readonly packetId: number;
}

/** What a PUBLISH says; undefined when it is malformed. */
export function readPublish(first: number, body: Buffer): Received | undefined {
  const qos = (first >> 1) & 3;
  if (body.length < 2 || qos === 3) return undefined;
  const end = 2 + body.readUInt16BE(0);
  const at = end + (qos > 0 ? 2 : 0);
  if (at > body.length) return undefined;
  const packetId = qos > 0 ? body.readUInt16BE(end) : 0;
  if (qos > 0 && packetId === 0) return undefined;
  return {
    topic: body.toString('utf8', 2, end),
    payload: body.toString('utf8', at),
    qos,
    retain: (first & 1) !== 0,
    dup: (first & 8) !== 0,
    packetId,
  };
}

function packet(first: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  for (let rest = body.length; ; rest >>>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) break;
  }
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([uint16(bytes.length), bytes]);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >>> 8, value & 0xff]);
}
