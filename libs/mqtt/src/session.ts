import type { ErrorCode, Refusal, TopicFilter, TopicLimits, WillMessage } from '@trivium/contracts';
import type { ControlPacket } from './codec/packets.ts';
import type { PacketProperties } from './codec/properties.ts';
import type { ProtocolLevel } from './codec/packet-type.ts';
import type { Credentials, FilterRuling } from '@trivium/identity';
import type { RequestedSubscription } from './subscription.ts';

/** The client of a session, from CONNECT on. */
export interface SessionClient {
  readonly id: string;
  /** The id was made up here [MQTT3-3.1.3-6]. */
  readonly assigned: boolean;
  readonly level: ProtocolLevel;
  readonly keepAliveSeconds: number;
  /** A new session, whatever is there (clean session, clean start); else the one that is there goes on. */
  readonly fresh: boolean;
  /** How long the session stays after the connection: 0 ends with it, undefined for ever. */
  readonly expirySeconds: number | undefined;
  readonly will: WillMessage | undefined;
  /** QoS 1 and 2 messages that may be sent without being acknowledged. */
  readonly receiveMaximum: number;
  /** Larger packets are not sent; Infinity: any. */
  readonly maximumPacketBytes: number;
  /** Topics that may be sent as a number. */
  readonly topicAliasMaximum: number;
  /** Whether acknowledgements may carry more than a reason code. */
  readonly problemInformation: boolean;
  /** Whose the session is. */
  readonly principal: string;
  /** By which the client proves who it is (MQTT 5); undefined: by none. */
  readonly authMethod: string | undefined;
  /** What CONNACK is to say (MQTT 5). */
  readonly connack: PacketProperties | undefined;
}

/**
 * Where a connection stands. `authenticating`: CONNECT was accepted, and its client has to prove who it is by its method. `signing-in`: it has
 * shown who it is. `claiming`: the session's record is being written. `restoring`: what the session had is being brought back. `answering`: a
 * SUBSCRIBE or UNSUBSCRIBE takes effect before it is answered. In the last four further packets wait.
 */
export type Session =
  | { readonly phase: 'new' }
  | AuthenticatingSession
  | { readonly phase: 'signing-in'; readonly client: SessionClient }
  | { readonly phase: 'claiming'; readonly client: SessionClient }
  | { readonly phase: 'restoring'; readonly client: SessionClient }
  | OpenSession
  | { readonly phase: 'answering'; readonly client: SessionClient; readonly answer: Buffer }
  | { readonly phase: 'closed' };

export interface AuthenticatingSession {
  readonly phase: 'authenticating';
  readonly client: SessionClient;
}

export interface OpenSession {
  readonly phase: 'open';
  readonly client: SessionClient;
}

export type SessionInput =
  | { readonly on: 'packet'; readonly packet: ControlPacket }
  /** Bytes that are no packet or not one for this state, or that prove nothing. `level`: of the CONNECT that they were meant for. */
  | { readonly on: 'refused'; readonly error: Refusal; readonly level?: ProtocolLevel }
  /** What `authenticate` came to: the client is to answer this, */
  | { readonly on: 'challenged'; readonly data: Buffer }
  /** or is known, and is told this. */
  | { readonly on: 'authenticated'; readonly principal: string; readonly data: Buffer }
  /** What `sign-in` came to, when it was not refused. */
  | { readonly on: 'signed-in'; readonly principal: string }
  /** `present`: the session was there before. */
  | { readonly on: 'claimed'; readonly present: boolean }
  | { readonly on: 'claim-failed'; readonly code: ErrorCode; readonly detail?: string }
  /** What the phase waited for has happened. */
  | { readonly on: 'done' }
  | { readonly on: 'failed'; readonly code: ErrorCode };

/** Why a connection ended. */
export type CloseReason =
  | ErrorCode
  /** The client said goodbye: its will is dropped. */
  | 'client.disconnected'
  /** It said so, and asked for its will (MQTT 5). */
  | 'client.disconnected-with-will'
  | 'client.gone';

export type SessionEffect =
  /** What the client says by its method; answer `challenged`, `authenticated` or `refused`. */
  | {
      readonly do: 'authenticate';
      readonly client: SessionClient;
      readonly begins: boolean;
      readonly data: Buffer;
    }
  /** Who is the client by what it shows? None: what its transport says, or nothing. Answer `signed-in` or `refused`. */
  | { readonly do: 'sign-in'; readonly client: SessionClient; readonly credentials: Credentials | undefined }
  /** Make the client's session this connection's, everywhere; answer `claimed` or `claim-failed`. */
  | { readonly do: 'claim'; readonly client: SessionClient }
  /** CONNECT is about to be refused. */
  | { readonly do: 'refuse'; readonly code: ErrorCode }
  /** The client is connected: from here on it counts, and is announced. */
  | { readonly do: 'open'; readonly client: SessionClient }
  /** Bring back subscriptions and what was not acknowledged; answer `done` or `failed`. */
  | { readonly do: 'restore' }
  | { readonly do: 'send'; readonly packet: Buffer }
  /** Answer `done` when they are active, and stored if the session is, else `failed`. */
  | { readonly do: 'subscribe'; readonly subscriptions: readonly RequestedSubscription[] }
  /** Answer `done` when they are gone, also from what is stored, else `failed`. */
  | { readonly do: 'unsubscribe'; readonly filters: readonly TopicFilter[] }
  /** PUBACK, PUBREC or PUBCOMP for a message to the client. */
  | { readonly do: 'acknowledged' | 'received' | 'completed'; readonly packetId: number }
  /** PUBREC by which the client refuses a message: the exchange is over. */
  | { readonly do: 'rejected'; readonly packetId: number }
  /** PUBREL for a message from the client. */
  | { readonly do: 'released'; readonly packetId: number }
  /** The client says how long its session is to stay. */
  | { readonly do: 'expire'; readonly seconds: number | undefined }
  | { readonly do: 'close'; readonly reason: CloseReason; readonly detail?: string };

/** What the door allows, and what the session cannot know itself. */
export interface SessionRules {
  readonly maxClientIdBytes: number;
  readonly maxSubscriptions: number;
  readonly maxSessionBytes: number;
  readonly topicLimits: TopicLimits;
  /** Longest life of a session without its client. */
  readonly sessionExpirySeconds: number;
  /** What MQTT 5 clients are told in CONNACK. */
  readonly receiveMaximum: number;
  readonly maxPacketBytes: number;
  readonly topicAliasMaximum: number;
  /** Longest keep alive; 0: any. */
  readonly maxKeepAliveSeconds: number;
  /** Whether clients may prove who they are by this method (MQTT 5). */
  offersMethod(name: string): boolean;
  /** A client id that nobody has. */
  assignId(): string;
}

/** What the step is told of the world. */
export interface SessionView {
  /** Filters of this connection. */
  readonly subscriptions: { readonly size: number; has(filter: TopicFilter): boolean };
  /** What they take in the session's record; undefined: nothing is stored of this session. */
  readonly storedBytes: number | undefined;
  /** What the client's rights say of a filter; of a shared one without `$share/{group}/`. */
  rulingOn(filter: string, shared: boolean): FilterRuling;
  /** As the session has it now. */
  readonly expirySeconds: number | undefined;
  /** Whether a QoS 1 message with this packet id waits for its PUBACK. */
  isOpen(packetId: number): boolean;
  /** What a QoS 2 exchange with this packet id waits for; undefined: there is none. */
  awaits(packetId: number): 'pubrec' | 'pubcomp' | undefined;
}

export interface SessionStep {
  readonly session: Session;
  readonly effects: readonly SessionEffect[];
}

export const NEW_SESSION: Session = { phase: 'new' };

/** The end of a session, for this reason. */
export function ended(reason: CloseReason, detail?: string): SessionStep {
  const close: SessionEffect =
    detail === undefined ? { do: 'close', reason } : { do: 'close', reason, detail };
  return { session: { phase: 'closed' }, effects: [close] };
}
