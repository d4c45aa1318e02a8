import type { Result } from '@trivium/contracts';
import { accept, refuse } from '@trivium/contracts';
import type { BodyReader } from './body-reader.ts';
import type { ProtocolLevel } from './packet-type.ts';
import type { AcknowledgementPacket } from './packets.ts';
import { readProperties } from './properties.ts';

type Acknowledgement = AcknowledgementPacket['type'];

/** What a client may say in them (MQTT 5, tables 3-4, 3-5, 3-6 and 3-7). */
const REASONS: Readonly<Record<Acknowledgement, readonly number[]>> = {
  puback: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrec: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrel: [0x00, 0x92],
  pubcomp: [0x00, 0x92],
};

/** PUBACK, PUBREC, PUBREL, PUBCOMP (sections 3.4 to 3.7): two bytes, and in MQTT 5 a reason and properties when there is something to say. */
export function decodeAcknowledgement(
  reader: BodyReader,
  level: ProtocolLevel,
  type: Acknowledgement,
): Result<AcknowledgementPacket> {
  const packetId = reader.packetId();
  let reason = 0;
  let properties;
  if (level === 5 && reader.left > 0) {
    reason = reader.byte('reason code');
    if (!REASONS[type].includes(reason)) reader.fail(`reason code ${reason} in a ${type}`);
    if (reader.left > 0) properties = readProperties(reader, type);
  }
  reader.finish();
  if (reader.failure !== undefined) return refuse(reader.code, reader.failure);
  return accept({ type, packetId, reason, properties });
}
