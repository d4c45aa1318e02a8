import { hostActor, startActors, systemClock, type Actors, type Clock } from '@trivium/actors';
import type { Bus, Logger } from '@trivium/bus';
import { partitionOf } from '@trivium/contracts';
import type { RouterConfig } from './config.ts';
import { createDeadDoors, type DeadDoors } from './dead-doors.ts';
import { createDeadSessions, type DeadSessions } from './dead-sessions.ts';
import { type Doors, watchDoors } from './doors.ts';
import { createLostMembers, type LostMembers } from './lost-members.ts';
import { createPositionIndex, type PositionIndex } from './position-index.ts';
import { type OnlineAt, presence } from './presence.ts';
import { createQueuedCommands, type QueuedCommands } from './queued-commands.ts';
import { type SessionWatch, watchSessions } from './session-watch.ts';

export interface RouterOptions {
  bus: Bus;
  config: RouterConfig;
  logger: Logger;
  clock?: Clock;
}

export interface Router {
  readonly actors: Actors;
  readonly doors: Doors;
  readonly deadDoors: DeadDoors;
  readonly sessions: SessionWatch;
  readonly deadSessions: DeadSessions;
  readonly positions: PositionIndex;
  readonly lostMembers: LostMembers;
  readonly queuedCommands: QueuedCommands;
  /** Hands everything over to the other routers. */
  close(): Promise<void>;
}

/** A router: the actors of its partitions, the sessions of dead doors, the position index, the members of shares, queued commands, and what they must hear of beside the log. */
export function createRouter({ bus, config, logger, clock = systemClock }: RouterOptions): Router {
  const holds = (partition: number): boolean => actors.holds(partition);
  const doors = watchDoors({
    leases: bus.bucket('leases'),
    logger,
    onChange(door) {
      deadDoors.sweepSoon();
      deadSessions.doorLost(door);
    },
  });
  const deadDoors = createDeadDoors({
    doors,
    devices: bus.bucket(presence.bucket),
    clock,
    logger,
    graceMs: config.doorGraceMs,
    holds: (client) => holds(partitionOf(client)),
    tell: (client, door, since) => actors.tell(presence, client, { type: 'door-lost', door, since }),
  });
  const sessions = watchSessions({
    bus,
    clock,
    logger,
    onChange(client, view) {
      deadSessions.changed(client);
      positions.changed(client, view);
      queuedCommands.changed(client);
    },
  });
  const deadSessions = createDeadSessions({
    bus,
    doors,
    sessions,
    clock,
    logger,
    graceMs: config.doorGraceMs,
    holds,
  });
  const positions = createPositionIndex({
    bus,
    clock,
    logger,
    sessions,
    limits: { maxMessages: config.sessionMaxMessages, maxBytes: config.sessionMaxBytes },
    holds,
  });
  const lostMembers = createLostMembers({ bus, sessions, clock, logger, graceMs: config.doorGraceMs, holds });
  const queuedCommands = createQueuedCommands({ bus, sessions, clock, logger, holds });
  const hosted = hostActor(presence, ({ door, connectedAt }: OnlineAt, { id }) =>
    deadDoors.check(id, door, connectedAt),
  );
  const actors = startActors({
    bus,
    logger,
    clock,
    actors: [hosted],
    leaseTtlMs: config.leaseTtlMs,
    limits: { maxActors: config.maxActors },
    // Doors may have died while nobody held these partitions.
    onCurrent() {
      deadDoors.sweepSoon();
      deadSessions.look();
    },
    alongside: positions.work,
  });
  return {
    actors,
    doors,
    deadDoors,
    sessions,
    deadSessions,
    positions,
    lostMembers,
    queuedCommands,
    async close() {
      queuedCommands.close();
      lostMembers.close();
      deadSessions.close();
      deadDoors.close();
      doors.close();
      await actors.close();
      positions.close();
      sessions.close();
    },
  };
}
