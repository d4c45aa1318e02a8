import { hostActor, startActors, systemClock, type Actors, type Clock } from '@trivium/actors';
import type { Bus, Logger } from '@trivium/bus';
import { partitionOf } from '@trivium/contracts';
import type { RouterConfig } from './config.ts';
import { createDeadDoors, type DeadDoors } from './dead-doors.ts';
import { type Doors, watchDoors } from './doors.ts';
import { type OnlineAt, presence } from './presence.ts';

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
  /** Hands everything over to the other routers. */
  close(): Promise<void>;
}

/** A router: the actors of its partitions, and what they must hear of beside the log. */
export function createRouter({ bus, config, logger, clock = systemClock }: RouterOptions): Router {
  const doors = watchDoors({
    leases: bus.bucket('leases'),
    logger,
    onChange: () => deadDoors.sweepSoon(),
  });
  const deadDoors = createDeadDoors({
    doors,
    devices: bus.bucket(presence.bucket),
    clock,
    logger,
    graceMs: config.doorGraceMs,
    holds: (client) => actors.holds(partitionOf(client)),
    tell: (client, door, since) => actors.tell(presence, client, { type: 'door-lost', door, since }),
  });
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
    onCurrent: () => deadDoors.sweepSoon(),
  });
  return {
    actors,
    doors,
    deadDoors,
    async close() {
      deadDoors.close();
      doors.close();
      await actors.close();
    },
  };
}
