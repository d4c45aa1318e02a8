import type { TopicAction } from '@trivium/contracts';
import type { Principal } from './principal.ts';

/** `guarded`: granted, and each message is delivered only if `may('receive', topic)`. */
export type FilterRuling = 'refused' | 'granted' | 'guarded';

/** What one principal may do as one client: the policies of its groups, their placeholders filled in. One per connection. */
export interface Access {
  readonly principal: Principal;
  /** Everything is allowed, now: nothing else needs to be asked until `version` differs. */
  readonly unrestricted: boolean;
  /** Differs when answers given before may be wrong: whoever keeps one keeps this beside it. */
  readonly version: number;
  /** `topic` as in MQTT. Under 1 µs for topics asked about before. */
  may(action: TopicAction, topic: string): boolean;
  /** A topic filter without `$share/…/`. A shared one is never `guarded`: it is refused unless all that it matches may be received. */
  subscription(filter: string, shared: boolean): FilterRuling;
  /** Registry, keys, policies, explain. */
  readonly mayAdminister: boolean;
  /**
   * Brings it up to date with what is stored. False: the principal is gone, disabled or expired, or may not be this client any more; whoever
   * has a connection by it ends it (`auth.denied`).
   */
  renew(nowMs: number): boolean;
}
