export { defineActor, hostActor } from './actor.ts';
export type {
  ActorContext,
  ActorDefinition,
  ActorKind,
  EffectSource,
  HostedActor,
  Perform,
  Reply,
  Schema,
  Snapshot,
  StateOf,
  Step,
} from './actor.ts';
export { startActors } from './actors.ts';
export type { Actors, ActorsOptions, PartitionWork } from './actors.ts';
export { createLogReader } from './log-reader.ts';
export type { Feed, LogReader, LogReaderOptions, Rider } from './log-reader.ts';
export type { ActorStats } from './actor-stats.ts';
export { systemClock } from './clock.ts';
export type { Clock } from './clock.ts';
export { DEFAULT_LIMITS } from './limits.ts';
export type { Limits } from './limits.ts';
export type { DeadLetter } from './dead-letters.ts';
export { holdLease } from './hold-lease.ts';
export type { HeldLease, HoldLeaseOptions } from './hold-lease.ts';
export { holdDoorLease } from './door-lease.ts';
export type { DoorLeaseOptions } from './door-lease.ts';
export { acquireLease } from './lease.ts';
export type { Lease, LeaseOptions, Renewal } from './lease.ts';
export { encodeRequest } from './requests.ts';
