import type { AedesOptions, Client } from 'aedes';
import { AEDES_MAX_TOPIC_LEVELS, type AedesConfig } from './config.ts';
import type { Connection } from './connection.ts';
import { createEmptyPersistence } from './empty-persistence.ts';
import type { HubEmitter } from './hub-emitter.ts';

/** The longest that a timer can wait: a client that does not read is bounded in memory, and ends by its keep-alive. */
const NEVER_MS = 2 ** 31 - 1;

/** How a stock aedes is joined to the hub: its documented options and hooks, nothing else. `connectionOf` a client that aedes names. */
export function brokerOptions(
  config: AedesConfig,
  emitter: HubEmitter,
  connectionOf: (client: Client) => Connection | undefined,
): AedesOptions {
  /** A hook that throws would end the process: this one ends the connection. */
  const ask = (client: Client | null, where: string, run: (connection: Connection) => void): void => {
    const connection = client === null ? undefined : connectionOf(client);
    connection?.attempt(where, () => run(connection));
  };

  return {
    mq: emitter,
    persistence: createEmptyPersistence(),
    connectTimeout: config.connectTimeoutMs,
    drainTimeout: NEVER_MS,
    maxClientsIdLength: config.maxClientIdBytes,
    maxTopicLevels: Math.min(config.maxTopicLevels, AEDES_MAX_TOPIC_LEVELS),
    preConnect(client, packet, answer) {
      ask(client, 'CONNECT', (connection) => {
        connection.preConnect(client, packet);
        answer(null, true);
      });
    },
    authenticate(client, user, password, answer) {
      ask(client, 'CONNECT', (connection) => connection.authenticate(user, password, answer as never));
    },
    authorizePublish(client, packet, answer) {
      ask(client, 'PUBLISH', (connection) => connection.publish(packet, answer));
    },
    authorizeSubscribe(client, subscription, answer) {
      ask(client, 'SUBSCRIBE', (connection) => connection.subscribe(subscription, answer));
    },
    authorizeForward(client, packet) {
      const forwarded: { packet?: typeof packet } = {};
      ask(client, 'a message to a client', (connection) => {
        forwarded.packet = connection.forward(packet);
      });
      return forwarded.packet;
    },
  };
}
