import { registerCounters, type CounterDescription } from '@trivium/telemetry';
import type { Router } from './router.ts';

const gauge = (description: string, unit?: string): CounterDescription => ({
  description,
  kind: 'gauge',
  ...(unit === undefined ? {} : { unit }),
});

export const ROUTER_METRICS = {
  'trivium.router.partitions': gauge('Partitions held', '{partition}'),
  'trivium.router.actors': gauge('Actors in memory', '{actor}'),
  'trivium.router.lag': gauge('Positions of the logs still to be considered', '{message}'),
  'trivium.router.pending': gauge('Messages in memory, waiting or not yet stored', '{message}'),
  'trivium.router.doors': gauge('Doors that hold a lease', '{door}'),
  'trivium.router.events': 'Messages of the logs for partitions held',
  'trivium.router.events.skipped': 'Of these, those that were in the snapshot already',
  'trivium.router.events.lost':
    'Gaps in the logs: messages went by retention before any router had read them',
  'trivium.router.requests': 'Requests to actors',
  'trivium.router.snapshot.reads': 'Snapshots read',
  'trivium.router.snapshot.writes': 'Snapshots written',
  'trivium.router.snapshot.refused':
    'Snapshot writes refused because another had written: this router was a stale owner',
  'trivium.router.snapshot.unknown': 'Snapshot writes whose outcome was not known',
  'trivium.router.steps.failed': 'Messages that an actor failed to handle, each try',
  'trivium.router.poisoned': 'Messages given up and stored as dead letters',
  'trivium.router.effects.failed': 'Effects of actors that failed',
  'trivium.router.doors.lost.devices': 'Devices that were said to be online at a door that is gone',
} as const satisfies Record<string, string | CounterDescription>;

/** Publishes the router's numbers. Returns how to stop. */
export function publishRouterMetrics(router: Router): () => void {
  return registerCounters('trivium.router', () => readRouter(router), ROUTER_METRICS);
}

function readRouter({ actors, doors, deadDoors }: Router): Record<keyof typeof ROUTER_METRICS, number> {
  const { stats } = actors;
  return {
    'trivium.router.partitions': actors.partitionsHeld,
    'trivium.router.actors': actors.inMemory,
    'trivium.router.lag': actors.lag,
    'trivium.router.pending': stats.pending,
    'trivium.router.doors': doors.alive,
    'trivium.router.events': stats.handled,
    'trivium.router.events.skipped': stats.skipped,
    'trivium.router.events.lost': stats.gaps,
    'trivium.router.requests': stats.requests,
    'trivium.router.snapshot.reads': stats.snapshotReads,
    'trivium.router.snapshot.writes': stats.snapshotWrites,
    'trivium.router.snapshot.refused': stats.snapshotRefused,
    'trivium.router.snapshot.unknown': stats.snapshotUnknown,
    'trivium.router.steps.failed': stats.failedSteps,
    'trivium.router.poisoned': stats.poisoned,
    'trivium.router.effects.failed': stats.effectsFailed,
    'trivium.router.doors.lost.devices': deadDoors.stats.told,
  };
}
