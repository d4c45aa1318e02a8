import type { Bus, Logger } from '@trivium/bus';
import type { CommandDesk } from '@trivium/commands';
import type { Delivery, Turns } from '@trivium/delivery';
import type { Identity } from '@trivium/identity';
import type { Quotas } from '@trivium/limits';
import type { MessageContracts } from '@trivium/message-contracts';
import type { Claim, PositionIndex, SessionOwners } from '@trivium/sessions';
import type { PublishView } from './codec/publish-view.ts';
import type { MqttConfig } from './config.ts';
import type { Connection } from './connection.ts';
import type { ConnectionEvents } from './connection-events.ts';
import type { OutputShared } from './outbox.ts';
import type { PublishFrames } from './publish-frames.ts';
import type { PublishRetries } from './publish-retries.ts';
import type { SessionClient, SessionRules } from './session.ts';
import type { TopicRoutes } from './topic-routes.ts';
import type { Tracing } from './tracing.ts';

/** What the connections of a door share. */
export interface DoorParts extends OutputShared {
  readonly bus: Bus;
  readonly delivery: Delivery;
  readonly config: MqttConfig;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly rules: SessionRules;
  readonly identity: Identity;
  readonly quotas: Quotas;
  readonly owners: SessionOwners;
  /** What a client asks of the owners of client ids. */
  readonly claimOf: (client: SessionClient) => Claim;
  readonly desk: CommandDesk;
  readonly positions: PositionIndex;
  readonly events: ConnectionEvents;
  readonly contracts: MessageContracts;
  readonly routes: TopicRoutes;
  readonly frames: PublishFrames;
  /** The same for MQTT 5. */
  readonly frames5: PublishFrames;
  readonly retries: PublishRetries;
  /** For what takes long with one client. */
  readonly turns: Turns;
  /** The one view that PUBLISH packets are read through. */
  readonly view: PublishView;
  /** Ticks of the door's one timer so far. */
  readonly ticks: { now: number };
  readonly connections: Set<Connection>;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
}
