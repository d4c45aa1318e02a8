import { setTimeout as sleep } from 'node:timers/promises';
import { errors, type NatsConnection } from '@nats-io/nats-core';
import { connect, type NodeConnectionOptions } from '@nats-io/transport-node';
import { inboxPrefix, TriviumError } from '@trivium/contracts';
import type { BusConfig } from './config.ts';
import { proofOf } from './proof.ts';

/** What every connection of a process has alike: where to, who it is, where its answers go. */
export function connectionOptions(config: BusConfig, purpose: string): NodeConnectionOptions {
  return {
    servers: config.url.split(',').map((url) => url.trim()),
    name: `${config.name}/${purpose}`,
    inboxPrefix: inboxPrefix(config.name),
    timeout: 5_000,
    ...proofOf(config),
  };
}

/**
 * A connection that comes back by itself, as long as it takes. Waits for a NATS that is not there yet. Rejects with `config.invalid` when NATS is
 * there and refuses who we are.
 */
export async function dial(config: BusConfig, purpose: string): Promise<NatsConnection> {
  for (;;) {
    try {
      return await connect({
        ...connectionOptions(config, purpose),
        maxReconnectAttempts: -1,
        reconnectDelayHandler: retryDelayMs,
        pingInterval: 5_000,
        maxPingOut: 2,
        ignoreClusterUpdates: false,
        // A key may be renewed while we run: it is read again, and tried again, at each connection.
        ignoreAuthErrorAbort: true,
        // Else every request makes errors with stacks, should one fail.
        noAsyncTraces: true,
      });
    } catch (cause) {
      if (cause instanceof TriviumError) throw cause;
      if (isRefusal(cause))
        throw new TriviumError(
          'config.invalid',
          `NATS at ${shown(config.url)} refuses ${config.name}: ${remedy(config)}`,
          { cause },
        );
      await sleep(retryDelayMs());
    }
  }
}

const retryDelayMs = (): number => 100 + Math.floor(Math.random() * 150);

/** Not a server that was too busy to hear us out (`authentication timeout`). */
function isRefusal(cause: unknown): boolean {
  const named = cause instanceof errors.ConnectionError ? cause.cause : cause;
  return named instanceof errors.AuthorizationError && /violation/i.test(named.message);
}

function remedy({ nkeyFile, credsFile, user }: BusConfig): string {
  if (nkeyFile !== undefined) return `it does not know the key of nats.nkeyFile (${nkeyFile})`;
  if (credsFile !== undefined) return `it does not take nats.credsFile (${credsFile})`;
  if (user !== undefined) return 'it does not take nats.user and nats.password';
  return 'it wants to know who we are; set nats.nkeyFile (TRIVIUM_NATS_NKEY_FILE)';
}

/** Addresses without a user and password in them. */
const shown = (url: string): string => url.replaceAll(/\/\/[^@/,]*@/g, '//');
