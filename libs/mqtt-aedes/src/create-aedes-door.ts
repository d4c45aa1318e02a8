import type { Duplex } from 'node:stream';
import { createCommandDesk } from '@trivium/commands';
import { OPEN_IDENTITY } from '@trivium/identity';
import { createQuotas, NO_LIMITS } from '@trivium/limits';
import { NO_CONTRACTS } from '@trivium/message-contracts';
import { Aedes, type Client } from 'aedes';
import type { AedesDoor, AedesDoorOptions, Peer } from './aedes-door.ts';
import { brokerOptions } from './broker-options.ts';
import { createLocalOwners } from './client-owners.ts';
import { systemClock } from '@trivium/clock';
import { ConnectionEvents } from './connection-events.ts';
import { Connection } from './connection.ts';
import { drainConnections } from './door-drain.ts';
import type { DoorParts } from './door-parts.ts';
import { HubEmitter } from './hub-emitter.ts';
import { PayloadCopy } from './payload-copy.ts';
import { createStats } from './stats.ts';
import { NO_TRACING } from './tracing.ts';

/** How often publishes that could not be stored are tried again while the bus is up, and it is seen whether clients may still be here and go on. */
const ROUND_MS = 500;

/** A stock aedes as a door of the hub. Resolves when it takes connections. */
export async function createAedesDoor(options: AedesDoorOptions): Promise<AedesDoor> {
  const { bus, delivery, config, logger, info } = options;
  const clock = options.clock ?? systemClock;
  const stats = createStats();
  const emitter = new HubEmitter();
  const parts: DoorParts = {
    bus,
    delivery,
    identity: options.identity ?? OPEN_IDENTITY,
    contracts: options.contracts ?? NO_CONTRACTS,
    config,
    topicLimits: { maxTopicBytes: config.maxTopicBytes, maxTopicLevels: config.maxTopicLevels },
    logger,
    stats,
    clock,
    emitter,
    tracing: options.tracing ?? NO_TRACING,
    owners: options.owners ?? createLocalOwners(),
    quotas: createQuotas(options.limits ?? NO_LIMITS),
    payloads: new PayloadCopy(),
    events: new ConnectionEvents({
      publisher: bus.publisher,
      stats,
      door: bus.incarnation,
      service: info.service,
      now: () => clock.now(),
    }),
  };

  const connections = new Set<Connection>();
  const byGate = new WeakMap<object, Connection>();
  const connectionOf = (client: Client): Connection | undefined => byGate.get(client.conn);
  const about = (client: Client, where: string, run: (connection: Connection) => void): void => {
    const connection = connectionOf(client);
    connection?.attempt(where, () => run(connection));
  };

  const broker = new Aedes(brokerOptions(config, emitter, connectionOf));
  broker.on('connackSent', (packet, client) =>
    about(client, 'CONNACK', (connection) => connection.connackSent(packet.returnCode)),
  );
  broker.on('ack', (packet, client) =>
    about(client, 'PUBACK', (connection) => connection.acknowledged(packet?.messageId)),
  );
  broker.on('keepaliveTimeout', (client) =>
    about(client, 'keep-alive', (connection) => connection.keepaliveTimeout()),
  );
  // An event `error` that nobody hears would be thrown. What ends a client comes by its gate.
  (broker as NodeJS.EventEmitter).on('error', (error: Error) =>
    logger.error({ message: error.message }, 'aedes reports an error'),
  );
  await broker.listen();

  const retryAll = (): void => {
    if (bus.up) for (const connection of connections) connection.retry();
  };
  const offState = bus.onState(retryAll);
  const offPressure = bus.publisher.onPressure((pressed) => {
    if (!pressed) for (const connection of connections) connection.pump();
  });
  // It knows no client, and so says of each that it is offline.
  const desk = createCommandDesk(bus);
  const stopRounds = clock.every(ROUND_MS, () => {
    const nowMs = clock.now();
    for (const connection of connections) connection.tick(nowMs);
    parts.quotas.tick(nowMs);
    retryAll();
  });

  let accepting = true;
  let served = 0;

  const serve = (socket: Duplex, peer: Peer): void => {
    const connection = new Connection(parts, socket, peer, `${bus.incarnation}.${++served}`);
    stats.accepted++;
    stats.connections++;
    connections.add(connection);
    byGate.set(connection.gate, connection);
    socket.once('close', () => {
      connections.delete(connection);
      stats.connections--;
    });
    connection.attempt('a connection', () => broker.handle(connection.gate));
  };

  return {
    accept(socket, peer) {
      if (accepting && connections.size < config.maxConnections && !socket.destroyed)
        return serve(socket, peer);
      socket.on('error', () => undefined);
      socket.destroy();
    },
    get connections() {
      return connections.size;
    },
    stats,
    stopAccepting() {
      accepting = false;
    },
    closeClients(reason) {
      for (const connection of [...connections]) {
        connection.end(reason);
        connection.gate.abort();
      }
    },
    async drain(context) {
      accepting = false;
      await drainConnections(connections, context, clock);
      stopRounds();
      desk.close();
      offState();
      offPressure();
      await new Promise<void>((resolve) => broker.close(resolve));
    },
  };
}
