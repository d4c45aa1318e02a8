import { inboxPrefix } from '@trivium/contracts';
import type { NatsConnection } from '@nats-io/nats-core';
import type { BusConfig, Logger } from './config.ts';
import { dial } from './dial.ts';
import type { Violations } from './violations.ts';

/**
 * One NATS connection with one purpose. Feed, scan, live and publish have one each, since NATS cuts a connection by what is
 * pending on it, and a slow scan must not cost the live feed.
 */
export interface Lane {
  readonly nc: NatsConnection;
  /** Subjects that begin so are for this service alone to hear: those of answers. */
  readonly inbox: string;
  readonly up: boolean;
  readonly reconnects: number;
  onState(listener: (up: boolean) => void): () => void;
  close(): Promise<void>;
}

export async function openLane(
  config: BusConfig,
  purpose: string,
  logger: Logger,
  violations: Violations,
): Promise<Lane> {
  const nc = await dial(config, purpose);
  const listeners = new Set<(up: boolean) => void>();
  const lane = {
    nc,
    inbox: inboxPrefix(config.name),
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
        if (!violations.take(status.error, purpose))
          logger.error({ lane: purpose, err: status.error }, 'NATS reported an error');
      }
    }
    set(false);
  })();
  return lane;
}
