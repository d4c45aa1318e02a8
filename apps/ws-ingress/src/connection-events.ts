import { ConnectedEvent, DisconnectedEvent, encodeJson, eventSubject } from '@trivium/contracts';
import type { Bus, StoreSink } from '@trivium/bus';
import type { WsStats } from './stats.ts';

/** One connection, as its events name it. */
export interface ConnectionNames {
  readonly client: string;
  /** Different for every connection. */
  readonly connection: string;
  readonly address: string | undefined;
}

/** Tells the hub who came and who went, for presence. */
export interface ConnectionEvents {
  connected(names: ConnectionNames, atMs: number): void;
  disconnected(names: ConnectionNames, atMs: number, reason: string): void;
}

export function createConnectionEvents(
  bus: Pick<Bus, 'publisher' | 'incarnation'>,
  service: string,
  stats: WsStats,
): ConnectionEvents {
  const sink: StoreSink = {
    stored: () => undefined,
    failed: () => void stats.lostEvents++,
  };
  const common = ({ client, connection, address }: ConnectionNames, at: number): ConnectedEvent => ({
    v: 1,
    client,
    connection,
    door: bus.incarnation,
    service,
    protocol: 'trivium.v1',
    at,
    ...(address === undefined ? {} : { address }),
  });
  return {
    connected(names, atMs) {
      const event = encodeJson(ConnectedEvent, common(names, atMs));
      bus.publisher.durable(eventSubject('connected', names.client), event, undefined, sink, 0);
    },
    disconnected(names, atMs, reason) {
      const event = encodeJson(DisconnectedEvent, { ...common(names, atMs), reason });
      bus.publisher.durable(eventSubject('disconnected', names.client), event, undefined, sink, 0);
    },
  };
}
