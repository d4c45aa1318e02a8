import type { QoS, Result } from '@trivium/contracts';
import { accept, refuse } from '@trivium/contracts';
import { BodyReader } from './body-reader.ts';
import type { ConnectPacket, Will } from './packets.ts';
import type { ProtocolLevel } from './packet-type.ts';
import type { PacketProperties } from './properties.ts';
import { readProperties } from './properties.ts';
import { topicFault } from './topic-form.ts';

const RESERVED = 0x01;
const CLEAN = 0x02;
const WILL = 0x04;
const WILL_QOS = 0x18;
const WILL_RETAIN = 0x20;
const PASSWORD = 0x40;
const USERNAME = 0x80;

/**
 * CONNECT (section 3.1). Refused with `protocol.unsupported-version` when the protocol level is unknown (the server answers that one
 * [MQTT3-3.1.2-2]), with `protocol.malformed` when the connection can only be closed [MQTT3-3.1.4-1].
 */
export function decodeConnect(reader: BodyReader): Result<ConnectPacket> {
  const name = reader.utf8('protocol name');
  const levelByte = reader.byte('protocol level');
  if (reader.failure !== undefined) return refuse(reader.code, reader.failure);
  if (name !== 'MQTT' && name !== 'MQIsdp')
    return refuse('protocol.malformed', 'not the protocol name of MQTT'); // [MQTT3-3.1.2-1]
  const level = protocolLevel(name, levelByte);
  if (level === undefined)
    return refuse('protocol.unsupported-version', `protocol level ${levelByte} of ${name}`);

  const flags = reader.byte('connect flags');
  const keepAliveSeconds = reader.uint16('keep alive');
  const fault = flagFault(flags, level);
  if (fault !== undefined) reader.fail(fault);
  const properties = level === 5 ? readProperties(reader, 'connect') : undefined;
  const clientId = reader.utf8('client id');
  const will = (flags & WILL) !== 0 ? readWill(reader, flags, level) : undefined;
  const username = (flags & USERNAME) !== 0 && !absent(reader, level) ? reader.utf8('user name') : undefined;
  const password = (flags & PASSWORD) !== 0 && !absent(reader, level) ? reader.binary('password') : undefined;
  reader.finish();
  if (reader.failure !== undefined) return refuse(reader.code, reader.failure);
  const clean = (flags & CLEAN) !== 0;
  return accept({
    type: 'connect',
    level,
    clientId,
    clean,
    keepAliveSeconds,
    will,
    username,
    password,
    properties,
  });
}

/** The level of a CONNECT that may be broken further on; undefined: it is of no version that is spoken here. */
export function connectLevel(buffer: Buffer, start: number, end: number): ProtocolLevel | undefined {
  const reader = new BodyReader(buffer, start, end);
  const name = reader.utf8('protocol name');
  const level = reader.byte('protocol level');
  return reader.failure === undefined ? protocolLevel(name, level) : undefined;
}

function protocolLevel(name: string, level: number): ProtocolLevel | undefined {
  if (name === 'MQIsdp') return level === 3 ? 3 : undefined;
  if (name !== 'MQTT') return undefined;
  return level === 4 || level === 5 ? level : undefined;
}

function flagFault(flags: number, level: ProtocolLevel): string | undefined {
  if ((flags & RESERVED) !== 0) return 'the reserved connect flag is set'; // [MQTT3-3.1.2-3]
  if ((flags & WILL) === 0) {
    if ((flags & WILL_QOS) !== 0) return 'will QoS without a will'; // [MQTT3-3.1.2-13]
    if ((flags & WILL_RETAIN) !== 0) return 'will retain without a will'; // [MQTT3-3.1.2-15]
  } else if ((flags & WILL_QOS) === WILL_QOS) return 'will QoS 3'; // [MQTT3-3.1.2-14]
  if (level < 5 && (flags & USERNAME) === 0 && (flags & PASSWORD) !== 0) return 'password without user name'; // [MQTT3-3.1.2-22]
  return undefined;
}

function readWill(reader: BodyReader, flags: number, level: ProtocolLevel): Will {
  const properties: PacketProperties | undefined = level === 5 ? readProperties(reader, 'will') : undefined;
  const topic = reader.utf8('will topic');
  const payload = reader.binary('will message');
  if (reader.failure === undefined) {
    const fault = topicFault(topic);
    if (fault !== undefined) reader.fail(`will topic: ${fault}`);
  }
  const qos = ((flags & WILL_QOS) >> 3) as QoS;
  return { topic, payload, qos, retain: (flags & WILL_RETAIN) !== 0, properties };
}

/** MQTT 3.1 allows the flag of a user name or password whose field is not there (its section on CONNECT, "User name and password flags"). */
function absent(reader: BodyReader, level: ProtocolLevel): boolean {
  return level === 3 && reader.left === 0;
}
