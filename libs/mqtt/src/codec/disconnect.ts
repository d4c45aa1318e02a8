import type { Result } from '@trivium/contracts';
import { accept, refuse } from '@trivium/contracts';
import type { BodyReader } from './body-reader.ts';
import type { ProtocolLevel } from './packet-type.ts';
import type { AuthPacket, DisconnectPacket } from './packets.ts';
import { readProperties } from './properties.ts';

/** What a client may say in DISCONNECT (MQTT 5, table 3-13) and in AUTH (table 3-11). */
const DISCONNECT_REASONS = [
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
];
const AUTH_REASONS = [0x18, 0x19];

/** DISCONNECT (section 3.14): empty, or in MQTT 5 a reason and properties [MQTT-3.14.2-1]. */
export function decodeDisconnect(reader: BodyReader, level: ProtocolLevel): Result<DisconnectPacket> {
  const { reason, properties } = readReason(reader, level, 'disconnect', DISCONNECT_REASONS);
  if (reader.failure !== undefined) return refuse(reader.code, reader.failure);
  return accept({ type: 'disconnect', reason, properties });
}

/** AUTH (MQTT 5, section 3.15). */
export function decodeAuth(reader: BodyReader): Result<AuthPacket> {
  // An empty AUTH says "success", which only a server may say [MQTT-3.15.2-1].
  const { reason, properties } = readReason(reader, 5, 'auth', AUTH_REASONS);
  if (reader.failure !== undefined) return refuse(reader.code, reader.failure);
  if (!AUTH_REASONS.includes(reason))
    return refuse('protocol.error', `reason code ${reason} in an AUTH from a client`);
  if (properties?.authMethod === undefined)
    return refuse('protocol.error', 'AUTH without an authentication method'); // section 3.15.2.2.2
  return accept({ type: 'auth', reason, properties });
}

function readReason(
  reader: BodyReader,
  level: ProtocolLevel,
  packet: 'disconnect' | 'auth',
  allowed: readonly number[],
): Pick<DisconnectPacket, 'reason' | 'properties'> {
  let reason = 0;
  let properties;
  if (level === 5 && reader.left > 0) {
    reason = reader.byte('reason code');
    if (!allowed.includes(reason)) reader.fail(`reason code ${reason} in a ${packet}`);
    if (reader.left > 0) properties = readProperties(reader, packet);
  }
  reader.finish();
  return { reason, properties };
}
