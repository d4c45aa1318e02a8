import type { Client } from './client.ts';
import type { Subscription } from './receiver.ts';

/** One filter of one client, as matching finds it. */
export interface Wish {
  readonly client: Client;
  readonly sub: Subscription;
  /** Log position at which it began: nothing at or below it is delivered by this filter (rule 2). */
  from: number;
  /** Log position at which this subscribe took effect: what is retained up to it comes from the snapshot, what is newer from the log. */
  start: number;
  /** When, by the monotonic clock in milliseconds. */
  readonly at: number;
}
