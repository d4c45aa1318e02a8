import { claim, refuseClient } from './connect-step.ts';
import { encodeAuth } from './codec/encode.ts';
import type { AuthPacket, ControlPacket } from './codec/packets.ts';
import { ended } from './session.ts';
import type { AuthenticatingSession, OpenSession, SessionStep } from './session.ts';

/** Reason codes of AUTH (MQTT 5, table 3-11). */
const SUCCESS = 0x00;
const CONTINUE = 0x18;
const REAUTHENTICATE = 0x19;

const NOTHING = Buffer.alloc(0);

/** Before CONNACK the client continues the exchange, or gives up [MQTT-3.1.2-30]. */
export function onPacketBeforeConnack(session: AuthenticatingSession, packet: ControlPacket): SessionStep {
  const { client } = session;
  switch (packet.type) {
    case 'auth': {
      const fault = faultOf(session, packet);
      if (fault !== undefined) return refuseClient(client, 'protocol.error', fault);
      if (packet.reason !== CONTINUE)
        return refuseClient(client, 'protocol.error', 'AUTH begins again before CONNACK'); // [MQTT-4.12.0-3]
      return authenticate(session, packet);
    }
    case 'disconnect':
      return ended('client.disconnected');
    case 'connect':
    case 'subscribe':
    case 'unsubscribe':
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
    case 'pingreq':
      return refuseClient(client, 'protocol.error', `${packet.type} before CONNACK`);
  }
}

/** Re-authentication: the client begins it [MQTT-4.12.1-1], and everything else goes on meanwhile. */
export function onAuth(session: OpenSession, packet: AuthPacket): SessionStep {
  const fault = faultOf(session, packet);
  return fault === undefined ? authenticate(session, packet) : ended('protocol.error', fault);
}

function authenticate<S extends OpenSession | AuthenticatingSession>(
  session: S,
  { reason, properties }: AuthPacket,
): SessionStep {
  const { client } = session;
  const data = properties?.authData ?? NOTHING;
  return { session, effects: [{ do: 'authenticate', client, begins: reason === REAUTHENTICATE, data }] };
}

/** [MQTT-4.12.0-5], [MQTT-4.12.0-7] */
function faultOf(
  { client }: OpenSession | AuthenticatingSession,
  { properties }: AuthPacket,
): string | undefined {
  if (client.authMethod === undefined) return 'AUTH without an authentication method in CONNECT';
  return properties?.authMethod === client.authMethod
    ? undefined
    : 'AUTH with another authentication method than CONNECT';
}

/** The method wants to hear more [MQTT-4.12.0-2]. */
export function onChallenged(session: OpenSession | AuthenticatingSession, authData: Buffer): SessionStep {
  return say(session, CONTINUE, authData);
}

/**
 * The client is who it says. From CONNECT on its session is that principal's, and nobody else's; one that proves itself again is the same
 * one, or is thrown out [MQTT-4.12.1-2].
 */
export function onAuthenticated(
  session: OpenSession | AuthenticatingSession,
  principal: string,
  authData: Buffer,
): SessionStep {
  const { authMethod } = session.client;
  if (session.phase === 'open') {
    if (principal === session.client.principal) return say(session, SUCCESS, authData);
    return ended('auth.denied', 'authenticated as somebody else than before');
  }
  // In CONNACK [MQTT-4.12.0-5].
  const connack = { ...session.client.connack, authMethod: authMethod!, authData };
  const client = { ...session.client, principal, connack };
  return claim(client);
}

function say(session: OpenSession | AuthenticatingSession, reason: number, authData: Buffer): SessionStep {
  const { client, phase } = session;
  const packet = encodeAuth(reason, { authMethod: client.authMethod!, authData });
  if (packet.length <= client.maximumPacketBytes) return { session, effects: [{ do: 'send', packet }] };
  const why = 'AUTH would be larger than the client takes'; // [MQTT-3.1.2-24]
  return phase === 'open' ? ended('payload.too-large', why) : refuseClient(client, 'payload.too-large', why);
}
