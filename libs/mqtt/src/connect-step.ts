import type { ErrorCode } from '@trivium/contracts';
import { toConnackCode311, toMqttReason } from '@trivium/contracts';
import { encodeConnack } from './codec/encode.ts';
import type { ProtocolLevel } from './codec/packet-type.ts';
import type { ConnectPacket } from './codec/packets.ts';
import { ended } from './session.ts';
import type { SessionClient, SessionRules, SessionStep } from './session.ts';

/** CONNECT: refused, or the client's id is claimed before CONNACK. */
export function onConnect(packet: ConnectPacket, rules: SessionRules): SessionStep {
  const { level, clean, clientId } = packet;
  if (level === 5) return refuseConnect(level, 'protocol.unsupported-version', 'MQTT 5 is not offered here');
  if (clientId === '' && (level === 3 || !clean)) return refuseConnect(level, 'client-id.invalid', 'empty'); // [MQTT-3.1.3-8]
  if (Buffer.byteLength(clientId) > rules.maxClientIdBytes)
    return refuseConnect(level, 'client-id.invalid', 'too long'); // [MQTT-3.1.3-9]
  if (!clean) return refuseConnect(level, 'protocol.unsupported', 'persistent sessions are not offered here');
  if (packet.will !== undefined)
    return refuseConnect(level, 'protocol.unsupported', 'wills are not offered here');
  const assigned = clientId === '';
  const client: SessionClient = {
    id: assigned ? rules.assignId() : clientId,
    assigned,
    level,
    keepAliveSeconds: packet.keepAliveSeconds,
  };
  return { session: { phase: 'claiming', client }, effects: [{ do: 'claim', client }] };
}

/** The client id is this connection's: CONNACK is the first packet to the client [MQTT-3.2.0-1]. */
export function onClaimed(client: SessionClient): SessionStep {
  const connack = encodeConnack(client.level, false, 0); // a clean session is never present [MQTT-3.2.2-1]
  return {
    session: { phase: 'open', client },
    effects: [
      { do: 'open', client },
      { do: 'send', packet: connack },
    ],
  };
}

/** A CONNACK with a code other than 0, then the end [MQTT-3.2.2-5]. */
export function refuseConnect(level: ProtocolLevel, code: ErrorCode, detail?: string): SessionStep {
  const number = level === 5 ? toMqttReason(code, 'connack') : toConnackCode311(code);
  const connack = encodeConnack(level, false, number); // session present is 0 [MQTT-3.2.2-4]
  const { session, effects } = ended(code, detail);
  return { session, effects: [{ do: 'refuse', code }, { do: 'send', packet: connack }, ...effects] };
}
