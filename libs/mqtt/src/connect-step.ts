import type { ErrorCode, WillMessage } from '@trivium/contracts';
import { parseTopic, toConnackCode311, toMqttReason } from '@trivium/contracts';
import { encodeConnack } from './codec/encode.ts';
import type { ProtocolLevel } from './codec/packet-type.ts';
import type { ConnectPacket, Will } from './codec/packets.ts';
import { ended } from './session.ts';
import type { SessionClient, SessionRules, SessionStep } from './session.ts';

/** CONNECT: refused, or the client's session is claimed before CONNACK. */
export function onConnect(packet: ConnectPacket, rules: SessionRules): SessionStep {
  const { level, clean, clientId, will } = packet;
  if (level === 5) return refuseConnect(level, 'protocol.unsupported-version', 'MQTT 5 is not offered here');
  if (clientId === '' && (level === 3 || !clean)) return refuseConnect(level, 'client-id.invalid', 'empty'); // [MQTT-3.1.3-8]
  if (Buffer.byteLength(clientId) > rules.maxClientIdBytes)
    return refuseConnect(level, 'client-id.invalid', 'too long'); // [MQTT-3.1.3-9]
  const topic = will && parseTopic(will.topic, rules.topicLimits);
  if (topic?.ok === false) return refuseConnect(level, topic.error.code, 'the topic of the will');
  const assigned = clientId === '';
  const client: SessionClient = {
    id: assigned ? rules.assignId() : clientId,
    assigned,
    level,
    keepAliveSeconds: packet.keepAliveSeconds,
    clean,
    will: will && willMessage(will),
  };
  return { session: { phase: 'claiming', client }, effects: [{ do: 'claim', client }] };
}

function willMessage({ topic, payload, qos, retain }: Will): WillMessage {
  return { topic, payload: payload.toString('base64'), qos, retain };
}

/**
 * The session is this connection's: CONNACK is the first packet to the client [MQTT-3.2.0-1], and says whether it goes on with one that
 * was there [MQTT-3.2.2-1], [MQTT-3.2.2-2], [MQTT-3.2.2-3].
 */
export function onClaimed(client: SessionClient, present: boolean): SessionStep {
  const connack = encodeConnack(client.level, present, 0);
  const opened = [
    { do: 'open', client },
    { do: 'send', packet: connack },
  ] as const;
  if (client.clean) return { session: { phase: 'open', client }, effects: opened };
  return { session: { phase: 'restoring', client }, effects: [...opened, { do: 'restore' }] };
}

/** A CONNACK with a code other than 0, then the end [MQTT-3.2.2-5]. */
export function refuseConnect(level: ProtocolLevel, code: ErrorCode, detail?: string): SessionStep {
  const number = level === 5 ? toMqttReason(code, 'connack') : toConnackCode311(code);
  const connack = encodeConnack(level, false, number); // session present is 0 [MQTT-3.2.2-4]
  const { session, effects } = ended(code, detail);
  return { session, effects: [{ do: 'refuse', code }, { do: 'send', packet: connack }, ...effects] };
}
