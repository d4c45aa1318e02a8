import type { QoS } from '@trivium/contracts';
import { BodyReader } from '../codec/body-reader.ts';
import * as type from '../codec/packet-type.ts';
import type { ProtocolLevel } from '../codec/packet-type.ts';
import { readProperties, type PacketProperties } from '../codec/properties.ts';
import type { PropertyOwner } from '../codec/property-table.ts';

/** A packet as a client reads it. Fields that its type does not have are absent. */
export interface ServerPacket {
  readonly name: string;
  readonly bytes: Buffer;
  readonly flags: number;
  readonly packetId?: number;
  /** Of CONNACK, acknowledgements, DISCONNECT and AUTH; 0 where it is left out. */
  readonly reason?: number;
  /** Of SUBACK and UNSUBACK. */
  readonly codes?: readonly number[];
  /** The flags byte of CONNACK. */
  readonly present?: number;
  readonly topic?: string;
  readonly payload?: string;
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly dup?: boolean;
  readonly properties?: PacketProperties;
}

const NAMES: Readonly<Record<number, PropertyOwner | 'pingresp'>> = {
  [type.CONNACK]: 'connack',
  [type.PUBLISH]: 'publish',
  [type.PUBACK]: 'puback',
  [type.PUBREC]: 'pubrec',
  [type.PUBREL]: 'pubrel',
  [type.PUBCOMP]: 'pubcomp',
  [type.SUBACK]: 'suback',
  [type.UNSUBACK]: 'unsuback',
  [type.PINGRESP]: 'pingresp',
  [type.DISCONNECT]: 'disconnect',
  [type.AUTH]: 'auth',
};

/** The whole packets at the beginning of `bytes`, and what follows them. Throws on what no server may send. */
export function readServerPackets(
  bytes: Buffer,
  level: ProtocolLevel,
): { packets: ServerPacket[]; rest: Buffer } {
  const packets: ServerPacket[] = [];
  let at = 0;
  for (;;) {
    const header = new BodyReader(bytes, at + 1, bytes.length);
    const length = at < bytes.length ? header.variableByteInteger('remaining length') : 0;
    if (at >= bytes.length || header.failure !== undefined || header.left < length) break;
    const end = header.at + length;
    packets.push(readServerPacket(bytes.subarray(at, end), header.at - at, level));
    at = end;
  }
  return { packets, rest: bytes.subarray(at) };
}

function readServerPacket(bytes: Buffer, start: number, level: ProtocolLevel): ServerPacket {
  const name = NAMES[bytes[0]! >> 4];
  if (name === undefined) throw new Error(`no packet of a server: ${bytes.toString('hex')}`);
  const reader = new BodyReader(bytes, start, bytes.length);
  const packet = { name, bytes, flags: bytes[0]! & 15, ...readBody(name, bytes[0]! & 15, reader, level) };
  if (reader.failure !== undefined) throw new Error(`${name} of ${bytes.toString('hex')}: ${reader.failure}`);
  return packet;
}

function readBody(
  name: PropertyOwner | 'pingresp',
  flags: number,
  reader: BodyReader,
  level: ProtocolLevel,
): Partial<ServerPacket> {
  const properties = (): Pick<ServerPacket, 'properties'> =>
    level === 5 ? { properties: readProperties(reader, name as PropertyOwner) ?? {} } : {};
  const reason = (): Partial<ServerPacket> => ({
    reason: reader.left > 0 ? reader.byte('reason') : 0,
    ...(reader.left > 0 ? properties() : level === 5 ? { properties: {} } : {}),
  });
  const rest = (): Buffer => reader.buffer.subarray(reader.at, reader.end);
  switch (name) {
    case 'connack':
      return { present: reader.byte('flags'), reason: reader.byte('reason'), ...properties() };
    case 'publish': {
      const qos = ((flags >> 1) & 3) as QoS;
      const topic = reader.utf8('topic');
      const id = qos > 0 ? { packetId: reader.packetId() } : {};
      const own = properties();
      const payload = rest().toString();
      return { qos, topic, ...id, ...own, payload, retain: (flags & 1) === 1, dup: (flags & 8) !== 0 };
    }
    case 'suback':
    case 'unsuback':
      return { packetId: reader.packetId(), ...properties(), codes: [...rest()] };
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return { packetId: reader.packetId(), ...reason() };
    case 'disconnect':
    case 'auth':
      return reason();
    default:
      return {};
  }
}
