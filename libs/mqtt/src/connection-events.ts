import type { Publisher, StoreSink } from '@trivium/bus';
import type { ClientProtocol } from '@trivium/contracts';
import { ConnectedEvent, DisconnectedEvent, encodeJson, eventSubject } from '@trivium/contracts';
import type { ProtocolLevel } from './codec/packet-type.ts';
import type { CloseReason, SessionClient } from './session.ts';
import type { DoorStats } from './stats.ts';

export interface ConnectionEventsOptions {
  publisher: Publisher;
  stats: DoorStats;
  door: string;
  service: string;
  now: () => number;
}

const PROTOCOLS: Readonly<Record<ProtocolLevel, ClientProtocol>> = {
  3: 'mqtt3.1',
  4: 'mqtt3.1.1',
  5: 'mqtt5',
};

/** Tells the hub who comes and goes: presence is made of it. Nothing waits for it; an event that is not stored is counted. */
export class ConnectionEvents implements StoreSink {
  readonly #options: ConnectionEventsOptions;

  constructor(options: ConnectionEventsOptions) {
    this.#options = options;
  }

  connected(client: SessionClient, connection: string, address: string): void {
    const event = encodeJson(ConnectedEvent, this.#common(client, connection, address));
    this.#options.publisher.durable(eventSubject('connected', client.id), event, undefined, this, 0);
  }

  disconnected(client: SessionClient, connection: string, address: string, reason: CloseReason): void {
    const event = encodeJson(DisconnectedEvent, { ...this.#common(client, connection, address), reason });
    this.#options.publisher.durable(eventSubject('disconnected', client.id), event, undefined, this, 0);
  }

  stored(): void {}

  failed(): void {
    this.#options.stats.lostEvents++;
  }

  #common(client: SessionClient, connection: string, address: string): ConnectedEvent {
    const { door, service, now } = this.#options;
    return {
      v: 1,
      client: client.id,
      connection,
      door,
      service,
      protocol: PROTOCOLS[client.level],
      at: now(),
      address,
    };
  }
}
