import type { ErrorCode } from '@trivium/contracts';
import type { Bus, Logger } from '@trivium/bus';
import type { CommandDesk } from '@trivium/commands';
import type { Delivery } from '@trivium/delivery';
import type { Identity } from '@trivium/identity';
import type { LimitsConfig } from '@trivium/limits';
import type { MessageContracts } from '@trivium/message-contracts';
import type { Clock } from '@trivium/clock';
import type { MqttConfig } from './config.ts';
import type { DoorStats } from './stats.ts';
import type { Tracing } from './tracing.ts';
import type { Peer, Transport } from './transport.ts';

/** What a door is made of. One per process and delivery; it may take transports of several kinds. */
export interface MqttDoorOptions {
  bus: Bus;
  delivery: Delivery;
  /** Commands to its clients; it outlives the door. Default: one of its own. */
  desk?: CommandDesk;
  config: MqttConfig;
  logger: Logger;
  info: {
    /** The service's name, for connection events. */
    service: string;
  };
  /** Who clients are and what they may do; unless given, everybody is anonymous and may do everything. */
  identity?: Identity;
  /** Of principals and connections; none unless given. */
  limits?: LimitsConfig;
  /** What the site expects of messages; nothing unless given. */
  contracts?: MessageContracts;
  clock?: Clock;
  tracing?: Tracing;
}

/** MQTT over byte streams. */
export interface MqttDoor {
  /** Serves one client on a fresh transport until it ends. Never throws; a transport that cannot be served is destroyed. */
  accept(transport: Transport, peer: Peer): void;
  /** Connections now. */
  readonly connections: number;
  readonly stats: Readonly<DoorStats>;
  /** From now on `accept` destroys what it is given. */
  stopAccepting(): void;
  /** Closes every connection in this turn, and goes on accepting: the door has lost its lease, others may have its clients (rule 3). */
  closeClients(reason: ErrorCode): void;
  /**
   * Ends every connection: reads nothing more, lets what was accepted be stored and acknowledged, then closes, spread over a part of
   * `graceMs` so that the clients do not come back all at once. Past `signal` it closes at once. Resolves when all are gone.
   */
  drain(context: { signal: AbortSignal; graceMs: number }): Promise<void>;
}
