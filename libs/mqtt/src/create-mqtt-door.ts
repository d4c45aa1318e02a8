import { randomUUID } from 'node:crypto';
import { createCommandDesk } from '@trivium/commands';
import { createTurns } from '@trivium/delivery';
import { OPEN_IDENTITY } from '@trivium/identity';
import { createQuotas, NO_LIMITS } from '@trivium/limits';
import { NO_CONTRACTS } from '@trivium/message-contracts';
import { createPositionIndex, createSessionOwners } from '@trivium/sessions';
import { systemClock } from '@trivium/clock';
import { PublishView } from './codec/publish-view.ts';
import { Connection } from './connection.ts';
import { ConnectionEvents } from './connection-events.ts';
import { drainConnections } from './door-drain.ts';
import { DoorTurn } from './door-turn.ts';
import type { DoorParts } from './door-parts.ts';
import { TICK_MS } from './keepalive.ts';
import type { MqttDoor, MqttDoorOptions } from './mqtt-door.ts';
import { OutputArena } from './output-arena.ts';
import { PublishFrames } from './publish-frames.ts';
import { PublishRetries } from './publish-retries.ts';
import { createWillJudge } from './rights.ts';
import { createStats } from './stats.ts';
import { TopicRoutes } from './topic-routes.ts';
import { NO_TRACING } from './tracing.ts';

/** A door for MQTT 3.1, 3.1.1 and 5 on the given bus and delivery; both outlive it. */
export function createMqttDoor(options: MqttDoorOptions): MqttDoor {
  const { bus, delivery, config, logger, info, clock = systemClock, tracing = NO_TRACING } = options;
  const { contracts = NO_CONTRACTS, identity = OPEN_IDENTITY, limits = NO_LIMITS } = options;
  const stats = createStats();
  const ticks = { now: 0 };
  const connections = new Set<Connection>();
  const arena = new OutputArena();
  const soon = (run: () => void): void => void setImmediate(run);
  const {
    sessionTtlSeconds: cleanTtlSeconds,
    sessionExpirySeconds,
    takeoverTimeoutMs,
    cursorIntervalMs,
  } = config;
  const desk = options.desk ?? createCommandDesk(bus, () => clock.now());
  const parts: DoorParts = {
    bus,
    delivery,
    config,
    logger,
    tracing,
    stats,
    ticks,
    connections,
    arena,
    turn: new DoorTurn(soon),
    frames: new PublishFrames(arena),
    frames5: new PublishFrames(arena, () => clock.now()),
    turns: createTurns(),
    view: new PublishView(),
    contracts,
    routes: new TopicRoutes(config),
    retries: new PublishRetries(soon),
    owners: createSessionOwners({
      ...{ bus, logger, clock, cleanTtlSeconds, cursorIntervalMs, takeoverTimeoutMs },
      mayLeave: createWillJudge(identity),
    }),
    identity,
    quotas: createQuotas(limits),
    desk,
    claimOf: ({ id, principal, fresh, expirySeconds, will }) => ({
      ...{ client: id, principal, fresh, will },
      ...(expirySeconds === undefined ? {} : { expirySeconds }),
    }),
    positions: createPositionIndex(bus),
    now: () => clock.now(),
    events: new ConnectionEvents({
      publisher: bus.publisher,
      stats,
      door: bus.incarnation,
      service: info.service,
      now: () => clock.now(),
    }),
    rules: {
      maxClientIdBytes: config.maxClientIdBytes,
      maxSubscriptions: config.maxSubscriptions,
      maxSessionBytes: config.maxSessionBytes,
      topicLimits: config,
      sessionExpirySeconds,
      receiveMaximum: config.receiveMaximum,
      maxPacketBytes: config.maxPacketBytes,
      topicAliasMaximum: config.topicAliasMaximum,
      maxKeepAliveSeconds: config.maxKeepAliveSeconds,
      offersMethod: (name) => identity.method(name) !== undefined,
      assignId: () => `auto-${randomUUID()}`,
    },
  };
  const { owners, retries } = parts;
  desk.serve((client) => owners.find(client) as Connection | undefined);
  const stopTicks = clock.every(TICK_MS, () => {
    const now = ++ticks.now;
    const nowMs = clock.now();
    for (const connection of connections) connection.tick(now, nowMs);
    parts.quotas.tick(nowMs);
    if (bus.up) retries.retry();
  });
  const offState = bus.onState((up) => {
    if (up) retries.retry();
  });
  const offPressure = bus.publisher.onPressure((pressed) => {
    if (!pressed) retries.release();
  });
  let accepting = true;
  let count = 0;

  return {
    accept(transport, peer) {
      if (!accepting || connections.size >= config.maxConnections) return transport.destroy();
      stats.accepted++;
      stats.connections++;
      const connection = new Connection(
        parts,
        transport,
        peer,
        `${bus.incarnation}-${(++count).toString(36)}`,
      );
      connections.add(connection);
      transport.open(connection);
    },
    get connections() {
      return connections.size;
    },
    stats,
    stopAccepting() {
      accepting = false;
    },
    closeClients(reason) {
      for (const connection of [...connections]) connection.close(reason);
    },
    async drain(request) {
      accepting = false;
      await drainConnections(connections, request, clock);
      await orAborted(owners.settled(), request.signal);
      stopTicks();
      offState();
      offPressure();
      owners.close();
      if (options.desk === undefined) desk.close();
    },
  };
}

function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
    void work.then(resolve);
  });
}
