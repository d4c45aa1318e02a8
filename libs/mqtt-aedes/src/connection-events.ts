import type { Publisher, StoreSink } from '@trivium/bus';
import type { ClientProtocol } from '@trivium/contracts';
import { ConnectedEvent, DisconnectedEvent, encodeJson, eventSubject } from '@trivium/contracts';
import type { AedesDoorStats } from './stats.ts';

export interface ConnectionEventsOptions {
  publisher: Publisher;
  stats: AedesDoorStats;
  /** Incarnation of the door. */
  door: string;
  service: string;
  now: () => number;
}

/** Who has come or gone. */
export interface ConnectedClient {
  readonly client: string;
  /** Of the connection. */
  readonly connection: string;
  readonly protocol: ClientProtocol;
  readonly address: string;
}

/** Tells the hub who comes and goes: presence is made of it. Nothing waits for it; an event that is not stored is counted. */
export class ConnectionEvents implements StoreSink {
  readonly #options: ConnectionEventsOptions;

  constructor(options: ConnectionEventsOptions) {
    this.#options = options;
  }

  connected(who: ConnectedClient): void {
    const event = encodeJson(ConnectedEvent, this.#event(who));
    this.#options.publisher.durable(eventSubject('connected', who.client), event, undefined, this, 0);
  }

  disconnected(who: ConnectedClient, reason: string): void {
    const event = encodeJson(DisconnectedEvent, { ...this.#event(who), reason });
    this.#options.publisher.durable(eventSubject('disconnected', who.client), event, undefined, this, 0);
  }

  stored(): void {}

  failed(): void {
    this.#options.stats.lostEvents++;
  }

  #event(who: ConnectedClient): ConnectedEvent {
    const { door, service, now } = this.#options;
    return { v: 1, ...who, door, service, at: now() };
  }
}
