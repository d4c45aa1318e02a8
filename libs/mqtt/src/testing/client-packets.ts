import type { QoS } from '@trivium/contracts';
import type { ProtocolLevel } from '../codec/packet-type.ts';
import { encodeProperties } from '../codec/property-writer.ts';
import type { ControlPacket, SubscriptionRequest, Will } from '../codec/packets.ts';
import type { PacketProperties } from '../codec/properties.ts';

/** Packets as a client writes them, for tests: legal ones, unless a test asks for something else. */

export function packet(first: number, ...fields: (Buffer | Uint8Array | number[])[]): Buffer {
  const body = Buffer.concat(fields.map((field) => Buffer.from(field)));
  return Buffer.concat([Buffer.from([first]), remainingLength(body.length), body]);
}

export function remainingLength(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}

export function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}

export function field(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([u16(bytes.length), bytes]);
}

export interface ConnectFields {
  level?: ProtocolLevel;
  clientId?: string;
  clean?: boolean;
  keepAliveSeconds?: number;
  will?: Will | undefined;
  username?: string | undefined;
  password?: Buffer | undefined;
  properties?: PacketProperties | undefined;
}

export function connect({
  level = 4,
  clientId = 'c',
  clean = true,
  keepAliveSeconds = 0,
  will,
  username,
  password,
  properties,
}: ConnectFields = {}): Buffer {
  const five = level === 5;
  let flags = clean ? 0x02 : 0;
  if (will) flags |= 0x04 | (will.qos << 3) | (will.retain ? 0x20 : 0);
  if (password !== undefined) flags |= 0x40;
  if (username !== undefined) flags |= 0x80;
  return packet(
    0x10,
    field(level === 3 ? 'MQIsdp' : 'MQTT'),
    [level, flags],
    u16(keepAliveSeconds),
    five ? encodeProperties(properties) : [],
    field(clientId),
    will && five ? encodeProperties(will.properties) : [],
    will ? Buffer.concat([field(will.topic), field(will.payload)]) : [],
    username === undefined ? [] : field(username),
    password === undefined ? [] : field(password),
  );
}

export interface PublishFields {
  topic?: string;
  payload?: string | Uint8Array;
  qos?: QoS;
  packetId?: number;
  retain?: boolean;
  dup?: boolean;
  level?: ProtocolLevel;
  properties?: PacketProperties | undefined;
}

export function publish({
  topic = 't',
  payload = '',
  qos = 0,
  packetId = 1,
  retain = false,
  dup = false,
  level = 4,
  properties,
}: PublishFields = {}): Buffer {
  return packet(
    0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0),
    field(topic),
    qos === 0 ? [] : u16(packetId),
    level === 5 ? encodeProperties(properties) : [],
    Buffer.from(payload as string),
  );
}

export type Request = Pick<SubscriptionRequest, 'filter' | 'qos'> & Partial<SubscriptionRequest>;

export function subscribe(
  packetId: number,
  requests: readonly Request[],
  level: ProtocolLevel = 4,
  properties?: PacketProperties,
): Buffer {
  const entries = requests.map(({ filter, qos, noLocal, retainAsPublished, retainHandling = 0 }) => {
    const options = qos | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4);
    return Buffer.concat([field(filter), Buffer.from([options])]);
  });
  return packet(0x82, u16(packetId), level === 5 ? encodeProperties(properties) : [], ...entries);
}

export function unsubscribe(
  packetId: number,
  filters: readonly string[],
  level: ProtocolLevel = 4,
  properties?: PacketProperties,
): Buffer {
  return packet(0xa2, u16(packetId), level === 5 ? encodeProperties(properties) : [], ...filters.map(field));
}

const ACKNOWLEDGEMENTS = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;

export function acknowledge(
  type: keyof typeof ACKNOWLEDGEMENTS,
  packetId: number,
  reason?: number,
  properties?: PacketProperties,
): Buffer {
  return packet(ACKNOWLEDGEMENTS[type], u16(packetId), ...reasonFields(reason, properties));
}

export const PINGREQ = packet(0xc0);

export function disconnect(reason?: number, properties?: PacketProperties): Buffer {
  return packet(0xe0, ...reasonFields(reason, properties));
}

export function auth(reason?: number, properties?: PacketProperties): Buffer {
  return packet(0xf0, ...reasonFields(reason, properties));
}

function reasonFields(reason?: number, properties?: PacketProperties): Buffer[] {
  if (reason === undefined) return [];
  return properties === undefined
    ? [Buffer.from([reason])]
    : [Buffer.from([reason]), encodeProperties(properties)];
}

/** The packet that a client would have sent to mean this. */
export function encodeControlPacket(p: ControlPacket, level: ProtocolLevel): Buffer {
  const reason = (
    packetReason: number,
    properties: PacketProperties | undefined,
  ): [number?, PacketProperties?] =>
    properties !== undefined ? [packetReason, properties] : packetReason === 0 ? [] : [packetReason];
  switch (p.type) {
    case 'connect':
      return connect(p);
    case 'subscribe':
      return subscribe(p.packetId, p.requests, level, p.properties);
    case 'unsubscribe':
      return unsubscribe(p.packetId, p.filters, level, p.properties);
    case 'pingreq':
      return PINGREQ;
    case 'disconnect':
      return disconnect(...reason(p.reason, p.properties));
    case 'auth':
      return auth(...reason(p.reason, p.properties));
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return acknowledge(p.type, p.packetId, ...reason(p.reason, p.properties));
  }
}
