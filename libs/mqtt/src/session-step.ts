import type { Refusal } from '@trivium/contracts';
import { onAuth, onAuthenticated, onChallenged, onPacketBeforeConnack } from './auth-step.ts';
import { encodePingresp } from './codec/encode.ts';
import type { ProtocolLevel } from './codec/packet-type.ts';
import type { AcknowledgementPacket, ControlPacket, DisconnectPacket } from './codec/packets.ts';
import { capExpiry, onClaimed, onConnect, onSignedIn, refuseClient, refuseConnect } from './connect-step.ts';
import { ended } from './session.ts';
import type {
  AuthenticatingSession,
  OpenSession,
  Session,
  SessionEffect,
  SessionInput,
  SessionRules,
  SessionStep,
  SessionView,
} from './session.ts';
import { onSubscribe, onUnsubscribe } from './subscribe-step.ts';

/** Reason codes from here on say no (MQTT 5, section 2.4). */
const REFUSED = 0x80;

/** One step of a session: pure. `effects` are to be carried out in their order. Of PUBLISH see `PublishIntake`. */
export function step(
  session: Session,
  input: SessionInput,
  rules: SessionRules,
  view: SessionView,
): SessionStep {
  if (session.phase === 'closed') return { session, effects: [] };
  switch (input.on) {
    case 'packet':
      return onPacket(session, input.packet, rules, view);
    case 'refused':
      return onRefused(session, input.error, input.level);
    case 'challenged':
      return isTalking(session) ? onChallenged(session, input.data) : defect(session);
    case 'authenticated':
      return isTalking(session) ? onAuthenticated(session, input.principal, input.data) : defect(session);
    case 'signed-in':
      return session.phase === 'signing-in' ? onSignedIn(session.client, input.principal) : defect(session);
    case 'claimed':
      return session.phase === 'claiming' ? onClaimed(session.client, input.present) : defect(session);
    case 'claim-failed':
      if (session.phase !== 'claiming') return defect(session);
      return refuseClient(session.client, input.code, input.detail);
    case 'done':
      return onDone(session);
    case 'failed':
      // 3.1.1 can only say "refused", which clients take for final: closing makes them come back and ask again.
      return ended(input.code, `while ${session.phase}`);
  }
}

/** Whether an exchange may go on. */
function isTalking(session: Session): session is OpenSession | AuthenticatingSession {
  return session.phase === 'open' || session.phase === 'authenticating';
}

function onDone(session: Session): SessionStep {
  if (session.phase !== 'restoring' && session.phase !== 'answering') return defect(session);
  const { client } = session;
  const answer: SessionEffect[] =
    session.phase === 'answering' ? [{ do: 'send', packet: session.answer }] : [];
  return { session: { phase: 'open', client }, effects: answer };
}

function onPacket(
  session: Session,
  packet: ControlPacket,
  rules: SessionRules,
  view: SessionView,
): SessionStep {
  if (session.phase === 'new') {
    if (packet.type === 'connect') return onConnect(packet, rules);
    return ended('protocol.error', 'the first packet is not CONNECT'); // [MQTT3-3.1.0-1]
  }
  if (session.phase === 'authenticating') return onPacketBeforeConnack(session, packet);
  if (session.phase !== 'open') return defect(session);
  switch (packet.type) {
    case 'connect':
      return ended('protocol.error', 'a second CONNECT'); // [MQTT3-3.1.0-2]
    case 'subscribe':
      return onSubscribe(session, packet, rules, view);
    case 'unsubscribe':
      return onUnsubscribe(session, packet, view);
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return onAcknowledgement(session, packet, view);
    case 'pingreq':
      return { session, effects: [{ do: 'send', packet: encodePingresp() }] }; // [MQTT3-3.12.4-1]
    case 'disconnect':
      return onDisconnect(packet, rules, view);
    case 'auth':
      return onAuth(session, packet);
  }
}

function onRefused(session: Session, error: Refusal, level: ProtocolLevel | undefined): SessionStep {
  // The CONNECT of an unknown version is answered [MQTT3-3.1.2-2], and one of MQTT 5 is told what is wrong with it; before 5 other
  // nonsense is not answered [MQTT3-3.1.4-1], [MQTT3-4.8.0-1].
  if (session.phase === 'new' && error.code === 'protocol.unsupported-version')
    return refuseConnect(4, error.code, error.message);
  if (session.phase === 'new' && level === 5) return refuseConnect(level, error.code, error.message);
  if (session.phase === 'authenticating' || session.phase === 'signing-in')
    return refuseClient(session.client, error.code, error.message); // [MQTT-4.12.0-4], [MQTT-3.1.4-2]
  return ended(error.code, error.message);
}

/** DISCONNECT drops the will but when the client says otherwise, and may change how long the session stays (MQTT 5, section 3.14). */
function onDisconnect(
  { reason, properties }: DisconnectPacket,
  rules: SessionRules,
  view: SessionView,
): SessionStep {
  const { session, effects } = ended(reason === 0 ? 'client.disconnected' : 'client.disconnected-with-will');
  const asked = properties?.sessionExpirySeconds;
  if (asked === undefined) return { session, effects };
  if (asked !== 0 && view.expirySeconds === 0)
    return ended('protocol.error', 'a session expiry for a session that has none'); // section 3.14.2.2.2
  return {
    session,
    effects: [
      { do: 'expire', seconds: capExpiry(asked === FOR_EVER ? undefined : asked, rules) },
      ...effects,
    ],
  };
}

const FOR_EVER = 0xffff_ffff;

function onAcknowledgement(
  session: OpenSession,
  { type, packetId, reason }: AcknowledgementPacket,
  view: SessionView,
): SessionStep {
  switch (type) {
    case 'puback':
      if (view.awaits(packetId) !== undefined) return ended('protocol.error', 'PUBACK for a QoS 2 message');
      // One for a message that nobody waits for says nothing new: a repeat, or of an earlier connection.
      return { session, effects: [{ do: 'acknowledged', packetId }] };
    case 'pubrec':
      if (view.isOpen(packetId)) return ended('protocol.error', 'PUBREC for a QoS 1 message');
      return { session, effects: [{ do: reason < REFUSED ? 'received' : 'rejected', packetId }] };
    case 'pubrel':
      return { session, effects: [{ do: 'released', packetId }] };
    case 'pubcomp':
      if (view.isOpen(packetId)) return ended('protocol.error', 'PUBCOMP for a QoS 1 message');
      if (view.awaits(packetId) === 'pubrec') return ended('protocol.error', 'PUBCOMP before PUBREC');
      return { session, effects: [{ do: 'completed', packetId }] };
  }
}

function defect(session: Session): SessionStep {
  return ended('defect', `not expected in phase ${session.phase}`);
}
