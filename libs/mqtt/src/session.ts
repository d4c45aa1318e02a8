import type { ErrorCode, Refusal, TopicFilter, TopicLimits } from '@trivium/contracts';
import type { Subscription } from '@trivium/delivery';
import type { ControlPacket } from './codec/packets.ts';
import type { ProtocolLevel } from './codec/packet-type.ts';

/** The client of a session, from CONNECT on. */
export interface SessionClient {
  readonly id: string;
  /** The id was made up here [MQTT-3.1.3-6]. */
  readonly assigned: boolean;
  readonly level: ProtocolLevel;
  readonly keepAliveSeconds: number;
}

/**
 * Where a connection stands. `claiming`: CONNECT was accepted and the client's record is being written. `subscribing`: a SUBSCRIBE
 * waits to be active. In both, further packets wait: one at a time.
 */
export type Session =
  | { readonly phase: 'new' }
  | { readonly phase: 'claiming'; readonly client: SessionClient }
  | OpenSession
  | { readonly phase: 'subscribing'; readonly client: SessionClient; readonly suback: Buffer }
  | { readonly phase: 'closed' };

export interface OpenSession {
  readonly phase: 'open';
  readonly client: SessionClient;
}

export type SessionInput =
  | { readonly on: 'packet'; readonly packet: ControlPacket }
  /** Bytes that are no packet, or not one for this state. */
  | { readonly on: 'refused'; readonly error: Refusal }
  | { readonly on: 'claimed' }
  | { readonly on: 'claim-failed'; readonly code: ErrorCode }
  | { readonly on: 'subscribed' }
  | { readonly on: 'subscribe-failed'; readonly code: ErrorCode };

/** Why a connection ended. */
export type CloseReason = ErrorCode | 'client.disconnected' | 'client.gone';

export type SessionEffect =
  /** Make the client id this connection's, everywhere; answer `claimed` or `claim-failed`. */
  | { readonly do: 'claim'; readonly client: SessionClient }
  /** CONNECT is about to be refused. */
  | { readonly do: 'refuse'; readonly code: ErrorCode }
  /** The client is connected: from here on it counts, and is announced. */
  | { readonly do: 'open'; readonly client: SessionClient }
  | { readonly do: 'send'; readonly packet: Buffer }
  /** Answer `subscribed` when they are active, else `subscribe-failed`. */
  | { readonly do: 'subscribe'; readonly subscriptions: readonly Subscription[] }
  /** Gone before the next effect. */
  | { readonly do: 'unsubscribe'; readonly filters: readonly TopicFilter[] }
  /** The client has this message. */
  | { readonly do: 'acknowledged'; readonly packetId: number }
  | { readonly do: 'close'; readonly reason: CloseReason; readonly detail?: string };

/** What the door allows, and what the session cannot know itself. */
export interface SessionRules {
  readonly maxClientIdBytes: number;
  readonly maxSubscriptions: number;
  readonly topicLimits: TopicLimits;
  /** A client id that nobody has. */
  assignId(): string;
}

/** What the step is told of the world. */
export interface SessionView {
  /** Active filters of this connection. */
  readonly subscriptions: ReadonlyMap<TopicFilter, unknown>;
  /** Whether a QoS 1 message with this packet id waits for its PUBACK. */
  isOpen(packetId: number): boolean;
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
