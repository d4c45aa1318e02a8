import type { Bus, Logger } from '@trivium/bus';
import type { TopicLimits } from '@trivium/contracts';
import type { Delivery } from '@trivium/delivery';
import type { Identity } from '@trivium/identity';
import type { Quotas } from '@trivium/limits';
import type { MessageContracts } from '@trivium/message-contracts';
import type { ClientOwners } from './client-owners.ts';
import type { Clock } from '@trivium/clock';
import type { AedesConfig } from './config.ts';
import type { ConnectionEvents } from './connection-events.ts';
import type { HubEmitter } from './hub-emitter.ts';
import type { PayloadCopy } from './payload-copy.ts';
import type { AedesDoorStats } from './stats.ts';
import type { Tracing } from './tracing.ts';

/** What the connections of a door share. */
export interface DoorParts {
  readonly bus: Bus;
  readonly delivery: Delivery;
  readonly identity: Identity;
  readonly contracts: MessageContracts;
  readonly config: AedesConfig;
  readonly topicLimits: TopicLimits;
  readonly logger: Logger;
  readonly stats: AedesDoorStats;
  readonly clock: Clock;
  readonly tracing: Tracing;
  readonly owners: ClientOwners;
  readonly quotas: Quotas;
  readonly events: ConnectionEvents;
  readonly emitter: HubEmitter;
  readonly payloads: PayloadCopy;
}
