import type { ErrorCode, WillMessage } from '@trivium/contracts';
import type { Credentials } from '@trivium/identity';
import {
  ANONYMOUS,
  isCommandTopic,
  parseTopic,
  propertiesToJson,
  toConnackCode311,
  toMqttReason,
} from '@trivium/contracts';
import { encodeConnack } from './codec/encode.ts';
import type { ProtocolLevel } from './codec/packet-type.ts';
import type { ConnectPacket, Will } from './codec/packets.ts';
import type { PacketProperties } from './codec/properties.ts';
import { messageProperties } from './message-properties.ts';
import { ended } from './session.ts';
import type { SessionClient, SessionRules, SessionStep } from './session.ts';

/** Session Expiry Interval: for ever (MQTT 5, section 3.1.2.11.2). */
const FOR_EVER = 0xffff_ffff;
const MAX_PACKET_ID = 65_535;

/** CONNECT: refused, or the client has to show who it is, and its session is claimed before CONNACK. */
export function onConnect(packet: ConnectPacket, rules: SessionRules): SessionStep {
  const { level, clean, clientId, will, properties = {} } = packet;
  const most = properties.maximumPacketBytes;
  if (clientId === '' && (level === 3 || (level === 4 && !clean)))
    return refuseConnect(level, 'client-id.invalid', 'empty', most); // [MQTT3-3.1.3-8]
  if (Buffer.byteLength(clientId) > rules.maxClientIdBytes)
    return refuseConnect(level, 'client-id.invalid', 'too long', most); // [MQTT3-3.1.3-9]
  const topic = will && parseTopic(will.topic, rules.topicLimits);
  if (topic?.ok && isCommandTopic(topic.value))
    return refuseConnect(level, 'auth.denied', 'topics below cmd/ are for commands', most);
  if (topic?.ok === false) return refuseConnect(level, topic.error.code, 'the topic of the will', most);
  const { authMethod, authData = NOTHING } = properties;
  if (authMethod !== undefined && !rules.offersMethod(authMethod))
    return refuseConnect(level, 'auth.method', 'this method of authentication is not offered', most); // [MQTT-4.12.0-1]
  const assigned = clientId === '';
  const id = assigned ? rules.assignId() : clientId;
  const expirySeconds = grantedExpiry(packet, rules);
  const keepAliveSeconds = grantedKeepAlive(packet, rules);
  const client: SessionClient = {
    ...{ id, assigned, level, keepAliveSeconds, fresh: clean, expirySeconds },
    will: will && willMessage(will),
    receiveMaximum: properties.receiveMaximum ?? MAX_PACKET_ID,
    maximumPacketBytes: properties.maximumPacketBytes ?? Infinity,
    topicAliasMaximum: properties.topicAliasMaximum ?? 0,
    problemInformation: properties.requestProblemInformation ?? true,
    principal: ANONYMOUS,
    authMethod,
    connack:
      level < 5
        ? undefined
        : {
            receiveMaximum: rules.receiveMaximum,
            maximumPacketBytes: rules.maxPacketBytes,
            topicAliasMaximum: rules.topicAliasMaximum,
            ...(assigned ? { assignedClientId: id } : {}), // [MQTT-3.1.3-7]
            ...(keepAliveSeconds === packet.keepAliveSeconds
              ? {}
              : { serverKeepAliveSeconds: keepAliveSeconds }),
            ...(expirySeconds === askedExpiry(packet)
              ? {}
              : { sessionExpirySeconds: expirySeconds ?? FOR_EVER }),
            ...(properties.requestResponseInformation === true
              ? { responseInformation: `replies/${id}` }
              : {}),
          },
  };
  if (authMethod === undefined)
    return {
      session: { phase: 'signing-in', client },
      effects: [{ do: 'sign-in', client, credentials: credentialsOf(packet) }],
    };
  return {
    session: { phase: 'authenticating', client },
    effects: [{ do: 'authenticate', client, begins: true, data: authData }],
  };
}

/** By user name and password; either alone counts as well (MQTT 5, section 3.1.2.9: a token may come without a name). */
function credentialsOf({ username, password }: ConnectPacket): Credentials | undefined {
  if (username === undefined && password === undefined) return undefined;
  return { by: 'password', user: username ?? '', password: password ?? NOTHING };
}

/** The client is known: its session is that principal's, and nobody else's. */
export function onSignedIn(client: SessionClient, principal: string): SessionStep {
  return claim(principal === client.principal ? client : { ...client, principal });
}

/** Nothing is in the way of the client but the session's record. */
export function claim(client: SessionClient): SessionStep {
  const { level, connack, maximumPacketBytes: most } = client;
  if (most !== Infinity && encodeConnack(level, false, 0, connack).length > most)
    return refuseClient(client, 'payload.too-large', 'CONNACK does not fit'); // [MQTT-3.1.2-24]
  return { session: { phase: 'claiming', client }, effects: [{ do: 'claim', client }] };
}

/** What the client asks for: before MQTT 5 a session that is not clean stays as long as the server keeps it. */
function askedExpiry({ level, clean, properties }: ConnectPacket): number | undefined {
  if (level < 5) return clean ? 0 : undefined;
  const seconds = properties?.sessionExpirySeconds ?? 0;
  return seconds === FOR_EVER ? undefined : seconds;
}

function grantedExpiry(packet: ConnectPacket, rules: SessionRules): number | undefined {
  return capExpiry(askedExpiry(packet), rules);
}

/** A site keeps no session longer than it says. */
export function capExpiry(
  seconds: number | undefined,
  { sessionExpirySeconds }: SessionRules,
): number | undefined {
  const most = sessionExpirySeconds === FOR_EVER ? Infinity : sessionExpirySeconds;
  const granted = Math.min(seconds ?? Infinity, most);
  return granted === Infinity ? undefined : granted;
}

/** [MQTT-3.1.2-21] of MQTT 5; earlier versions cannot be told another value. */
function grantedKeepAlive(
  { level, keepAliveSeconds }: ConnectPacket,
  { maxKeepAliveSeconds }: SessionRules,
): number {
  if (level < 5 || maxKeepAliveSeconds === 0) return keepAliveSeconds;
  return keepAliveSeconds === 0 ? maxKeepAliveSeconds : Math.min(keepAliveSeconds, maxKeepAliveSeconds);
}

function willMessage({ topic, payload, qos, retain, properties }: Will): WillMessage {
  // Its expiry begins when it is published, not now.
  const { messageExpirySeconds, willDelaySeconds = 0, ...rest } = properties ?? {};
  const kept = messageProperties(rest, 0);
  const json = propertiesToJson(kept);
  const expiry = messageExpirySeconds === undefined ? {} : { messageExpiry: messageExpirySeconds };
  return {
    ...{ topic, payload: payload.toString('base64'), qos, retain },
    ...(kept?.contentType === undefined ? {} : { contentType: kept.contentType }),
    ...(json === undefined && messageExpirySeconds === undefined
      ? {}
      : { properties: { ...json, ...expiry } }),
    ...(willDelaySeconds > 0 ? { delaySeconds: willDelaySeconds } : {}),
  };
}

/**
 * The session is this connection's: CONNACK is the first packet to the client [MQTT3-3.2.0-1], and says whether it goes on with one that
 * was there [MQTT3-3.2.2-1], [MQTT3-3.2.2-2], [MQTT3-3.2.2-3].
 */
export function onClaimed(client: SessionClient, present: boolean): SessionStep {
  const connack = encodeConnack(client.level, present, 0, client.connack);
  const opened = [
    { do: 'open', client },
    { do: 'send', packet: connack },
  ] as const;
  if (client.expirySeconds === 0 && !present) return { session: { phase: 'open', client }, effects: opened };
  return { session: { phase: 'restoring', client }, effects: [...opened, { do: 'restore' }] };
}

/** A CONNACK with a code other than 0, if it is not larger than `most`, then the end [MQTT3-3.2.2-5]. */
export function refuseConnect(
  level: ProtocolLevel,
  code: ErrorCode,
  detail?: string,
  most = Infinity,
): SessionStep {
  const number = level === 5 ? toMqttReason(code, 'connack') : toConnackCode311(code);
  const why: PacketProperties | undefined =
    level === 5 && detail !== undefined ? { reasonString: detail } : undefined;
  const whole = encodeConnack(level, false, number, why); // session present is 0 [MQTT3-3.2.2-4]
  const packet = whole.length > most ? encodeConnack(level, false, number) : whole; // [MQTT-3.2.2-19]
  const { session, effects } = ended(code, detail);
  const answer = packet.length > most ? [] : [{ do: 'send', packet } as const];
  return { session, effects: [{ do: 'refuse', code }, ...answer, ...effects] };
}

export function refuseClient(
  { level, maximumPacketBytes }: SessionClient,
  code: ErrorCode,
  detail?: string,
): SessionStep {
  return refuseConnect(level, code, detail, maximumPacketBytes);
}

const NOTHING = Buffer.alloc(0);
