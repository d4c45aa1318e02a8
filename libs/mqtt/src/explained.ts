import type { PacketProperties } from './codec/properties.ts';
import type { SessionClient } from './session.ts';

/** Why an acknowledgement says no, by its reason code (MQTT 5, section 2.4). */
const REASONS: Readonly<Record<number, string>> = {
  0x83: 'not offered here',
  0x87: 'not authorized',
  0x8f: 'longer or deeper than a topic filter may be here',
  0x90: 'longer or deeper than a topic may be here',
  0x97: 'more than a client may have here',
  0x99: 'the payload is not the UTF-8 that it claims to be',
};

/**
 * An acknowledgement that says no, made by `encode`: with a reason string (`why`, else that of the code) for those who want problem information [MQTT-3.1.2-29], but
 * where that would make the packet larger than they take ([MQTT-3.4.2-2], [MQTT-3.5.2-2], [MQTT-3.9.2-1]).
 */
export function explained(
  client: SessionClient,
  reason: number | undefined,
  why: string | undefined,
  encode: (properties?: PacketProperties) => Buffer,
): Buffer {
  const reasonString = why ?? (reason === undefined ? undefined : REASONS[reason]);
  if (client.level < 5 || !client.problemInformation || reasonString === undefined) return encode();
  const packet = encode({ reasonString });
  return packet.length > client.maximumPacketBytes ? encode() : packet;
}
