import type { Client } from './client.ts';
import type { Subscription } from './receiver.ts';

/** One filter of one client, as matching finds it. */
export interface Wish {
  readonly client: Client;
  readonly sub: Subscription;
  /** Log position at which it began: nothing at or below it is delivered by this filter (rule 2). */
  from: number;
}
