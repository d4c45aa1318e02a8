import type { Duplex } from 'node:stream';
import type { Bus, Logger } from '@trivium/bus';
import type { ErrorCode } from '@trivium/contracts';
import type { Delivery } from '@trivium/delivery';
import type { Identity } from '@trivium/identity';
import type { LimitsConfig } from '@trivium/limits';
import type { MessageContracts } from '@trivium/message-contracts';
import type { ClientOwners } from './client-owners.ts';
import type { Clock } from '@trivium/clock';
import type { AedesConfig } from './config.ts';
import type { AedesDoorStats } from './stats.ts';
import type { Tracing } from './tracing.ts';

export interface AedesDoorOptions {
  bus: Bus;
  delivery: Delivery;
  /** Who clients are and what they may do; unless given, everybody is anonymous and may do everything. */
  identity?: Identity;
  /** What the site expects of messages; nothing unless given. */
  contracts?: MessageContracts;
  config: AedesConfig;
  /** How much connections and principals may ask; no limits unless given. */
  limits?: LimitsConfig;
  logger: Logger;
  info: {
    /** The service's name, for connection events. */
    service: string;
  };
  clock?: Clock;
  tracing?: Tracing;
  /** Default: client ids are unique at this door, not between doors. */
  owners?: ClientOwners;
}

/** Where a connection came from. */
export interface Peer {
  /** IP address, for logs and connection events. */
  readonly address: string;
  readonly kind: 'tcp' | 'tls' | 'ws' | 'wss';
  /** Its listener can be reached from this machine only. */
  readonly loopback: boolean;
  /** That of the client, proven by the TLS handshake. DER. */
  readonly certificate?: Uint8Array;
}

/** A stock aedes, joined to the hub. */
export interface AedesDoor {
  /**
   * Serves one client on a fresh socket until it ends. Never throws. A server with `allowHalfOpen: true` lets what a client sent
   * before it closed its side still be acknowledged.
   */
  accept(socket: Duplex, peer: Peer): void;
  /** Connections now. */
  readonly connections: number;
  readonly stats: Readonly<AedesDoorStats>;
  /** From now on `accept` destroys what it is given. */
  stopAccepting(): void;
  /** Closes every connection in this turn, and goes on accepting: the door has lost its lease, others may have its clients (rule 3). */
  closeClients(reason: ErrorCode): void;
  /**
   * Ends every connection: reads nothing more, lets what was accepted be stored and acknowledged, then closes, spread over a part of
   * `graceMs` so that the clients do not come back all at once. Past `signal` it closes at once. Resolves when all are gone and
   * aedes has ended.
   */
  drain(context: { signal: AbortSignal; graceMs: number }): Promise<void>;
}
