import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/nats-core';
import type { BusConfig, Logger } from './config.ts';

/**
 * One NATS connection with one purpose. Feed, scan, live and publish have one each, since NATS cuts a connection by what is
 * pending on it, and a slow scan must not cost the live feed.
 */
export interface Lane {
  readonly nc: NatsConnection;
  readonly up: boolean;
  readonly reconnects: number;
  onState(listener: (up: boolean) => void): () => void;
  close(): Promise<void>;
}

export async function openLane(config: BusConfig, purpose: string, logger: Logger): Promise<Lane> {
  const nc = await connect({
    servers: config.url.split(',').map((url) => url.trim()),
    name: `${config.name}/${purpose}`,
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    reconnectDelayHandler: () => 100 + Math.floor(Math.random() * 150),
    pingInterval: 5_000,
    maxPingOut: 2,
    timeout: 5_000,
    ignoreClusterUpdates: false,
    // Else every request makes errors with stacks, should one fail.
    noAsyncTraces: true,
  });
  const listeners = new Set<(up: boolean) => void>();
  const lane = {
    nc,
    up: true,
    reconnects: 0,
    onState(listener: (up: boolean) => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      if (!nc.isClosed()) await nc.close();
    },
  };
  const set = (up: boolean): void => {
    if (lane.up === up) return;
    lane.up = up;
    for (const listener of [...listeners]) listener(up);
  };
  void (async () => {
    for await (const status of nc.status()) {
      if (status.type === 'disconnect') {
        logger.warn({ lane: purpose }, 'NATS connection lost');
        set(false);
      } else if (status.type === 'reconnect') {
        lane.reconnects++;
        logger.info({ lane: purpose }, 'NATS connection is back');
        set(true);
      } else if (status.type === 'error') {
        logger.error({ lane: purpose, err: status.error }, 'NATS reported an error');
      }
    }
    set(false);
  })();
  return lane;
}
