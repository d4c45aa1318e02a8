import type { QoS } from '@trivium/contracts';
import type { PacketProperties } from './properties.ts';
import type { ProtocolLevel } from './packet-type.ts';

/** The message a client asks to be published when its connection ends without DISCONNECT (section 3.1.2.5). */
export interface Will {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: PacketProperties | undefined;
}

export interface ConnectPacket {
  readonly type: 'connect';
  readonly level: ProtocolLevel;
  readonly clientId: string;
  /** Clean session; clean start in MQTT 5. */
  readonly clean: boolean;
  /** 0: none. */
  readonly keepAliveSeconds: number;
  readonly will: Will | undefined;
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
  readonly properties: PacketProperties | undefined;
}

/** How MQTT 5 wants messages of one filter treated (section 3.8.3.1). */
export interface SubscriptionRequest {
  readonly filter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
}

export interface SubscribePacket {
  readonly type: 'subscribe';
  readonly packetId: number;
  /** At least one. */
  readonly requests: readonly SubscriptionRequest[];
  readonly properties: PacketProperties | undefined;
}

export interface UnsubscribePacket {
  readonly type: 'unsubscribe';
  readonly packetId: number;
  /** At least one. */
  readonly filters: readonly string[];
  readonly properties: PacketProperties | undefined;
}

/** The four acknowledgements of PUBLISH. */
export interface AcknowledgementPacket {
  readonly type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  readonly packetId: number;
  /** MQTT 5; 0 where a packet carries none. */
  readonly reason: number;
  readonly properties: PacketProperties | undefined;
}

export interface PingreqPacket {
  readonly type: 'pingreq';
}

export interface DisconnectPacket {
  readonly type: 'disconnect';
  readonly reason: number;
  readonly properties: PacketProperties | undefined;
}

/** MQTT 5 only. */
export interface AuthPacket {
  readonly type: 'auth';
  readonly reason: number;
  readonly properties: PacketProperties | undefined;
}

/** Every packet that a client sends, but PUBLISH: that one is read in place by `PublishView`. */
export type ControlPacket =
  | ConnectPacket
  | SubscribePacket
  | UnsubscribePacket
  | AcknowledgementPacket
  | PingreqPacket
  | DisconnectPacket
  | AuthPacket;
