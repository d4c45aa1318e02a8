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
  'trivium.router.sessions': gauge('Session records, of all partitions', '{session}'),
  'trivium.router.sessions.unsettled': gauge('Sessions without a living door, not settled yet', '{session}'),
  'trivium.router.sessions.settled': 'Sessions of dead doors that were freed or ended',
  'trivium.router.sessions.failed': 'Attempts to settle a session that failed and are repeated',
  'trivium.router.wills': 'Wills of dead doors’ clients that were published',
  'trivium.router.wills.denied': 'Wills that were not published, as their clients may not any more',
  'trivium.router.index.partitions': gauge('Partitions of which the position index is open', '{partition}'),
  'trivium.router.index.lag': gauge('Positions of the log still to be read for the index', '{message}'),
  'trivium.router.index.sessions': gauge('Sleeping sessions of the partitions held', '{session}'),
  'trivium.router.index.positions': gauge('Positions kept for sessions', '{message}'),
  'trivium.router.index.messages': gauge('Messages that wait for sessions', '{message}'),
  'trivium.router.index.bytes': gauge('Payloads of the messages that wait for sessions', 'By'),
  'trivium.router.index.dropped': 'Messages that the limits of a session took, the oldest first',
  'trivium.router.index.requests': 'Questions of doors to the position index',
  'trivium.router.index.unknown': 'Of these, those for sessions that it did not know',
  'trivium.router.index.checkpoints': 'Checkpoints of the position index written',
  'trivium.router.index.checkpoint.bytes': { description: 'Bytes of these checkpoints', unit: 'By' },
  'trivium.router.index.checkpoints.failed': 'Checkpoints that could not be written',
  'trivium.router.retained.checked': 'Retained publishes of which it was seen whether RETAINED has them',
  'trivium.router.retained.repaired': 'Retained publishes that their door did not live to write to RETAINED',
  'trivium.router.shares': gauge('Shared subscriptions of the hub', '{share}'),
  'trivium.router.shares.removed':
    'Members taken out of shared subscriptions because their sessions are gone',
  'trivium.router.commands.waiting': gauge('Commands that wait for their devices', '{command}'),
  'trivium.router.commands.sent': 'Queued commands sent to their devices, each try',
  'trivium.router.commands.answered': 'Queued commands that were answered',
  'trivium.router.commands.expired': 'Queued commands whose device was not back in time',
  'trivium.router.commands.failed': 'Queued commands that their devices did not answer, or could not take',
} as const satisfies Record<string, string | CounterDescription>;

/** Publishes the router's numbers. Returns how to stop. */
export function publishRouterMetrics(router: Router): () => void {
  return registerCounters('trivium.router', () => readRouter(router), ROUTER_METRICS);
}

function readRouter(router: Router): Record<keyof typeof ROUTER_METRICS, number> {
  const { actors, doors, deadDoors, sessions, deadSessions, positions, lostMembers, queuedCommands } = router;
  const { stats } = actors;
  const { totals } = positions;
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
    'trivium.router.sessions': sessions.size,
    'trivium.router.sessions.unsettled': deadSessions.stats.waiting,
    'trivium.router.sessions.settled': deadSessions.stats.settled,
    'trivium.router.sessions.failed': deadSessions.stats.failed,
    'trivium.router.wills': deadSessions.stats.wills,
    'trivium.router.wills.denied': deadSessions.stats.willsDenied,
    'trivium.router.index.partitions': positions.partitionsOpen,
    'trivium.router.index.lag': positions.lag,
    'trivium.router.index.sessions': totals.sessions,
    'trivium.router.index.positions': totals.positions,
    'trivium.router.index.messages': totals.messages,
    'trivium.router.index.bytes': totals.bytes,
    'trivium.router.index.dropped': positions.dropped,
    'trivium.router.index.requests': positions.requests.answered,
    'trivium.router.index.unknown': positions.requests.unknown,
    'trivium.router.index.checkpoints': positions.checkpoints.writes,
    'trivium.router.index.checkpoint.bytes': positions.checkpoints.bytes,
    'trivium.router.index.checkpoints.failed': positions.checkpoints.failed,
    'trivium.router.retained.checked': positions.retained.checked,
    'trivium.router.retained.repaired': positions.retained.repaired,
    'trivium.router.commands.waiting': queuedCommands.stats.waiting,
    'trivium.router.commands.sent': queuedCommands.stats.sent,
    'trivium.router.commands.answered': queuedCommands.stats.answered,
    'trivium.router.commands.expired': queuedCommands.stats.expired,
    'trivium.router.commands.failed': queuedCommands.stats.failed,
    'trivium.router.shares': lostMembers.stats.shares,
    'trivium.router.shares.removed': lostMembers.stats.removed,
  };
}
