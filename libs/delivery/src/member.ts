import type { Settlement } from '@trivium/bus';
import type { Share } from '@trivium/contracts';
import type { Handover, Holder } from './handover.ts';
import type { Receiver, Subscription } from './receiver.ts';
import type { SharedFeed } from './shared-feed.ts';

/** Messages that one member may have in its hands at a time. */
export const AT_ONCE = 64;

export interface MemberOptions {
  receiver: Receiver;
  share: Share;
  sub: Subscription;
  /** What its membership ends with: see `ShareRecord.members`. */
  tie: string;
  settle(handle: string, how: Settlement): void;
}

/** A client of this door in a shared subscription. */
export class Member implements Holder {
  readonly receiver: Receiver;
  readonly share: Share;
  readonly tie: string;
  /** What it has in its hands. */
  readonly open = new Set<Handover>();
  sub: Subscription;
  /** Undefined before it is active, and once it has left: it is then done with what it has in its own time [MQTT-3.10.4-3]. */
  feed: SharedFeed | undefined;
  readonly #settle: MemberOptions['settle'];

  constructor({ receiver, share, sub, tie, settle }: MemberOptions) {
    this.receiver = receiver;
    this.share = share;
    this.sub = sub;
    this.tie = tie;
    this.#settle = settle;
  }

  settled(handle: string, how: Settlement): void {
    this.#settle(handle, how);
    if (how !== 'working') this.feed?.freed();
  }

  /** Tells the consumer that the client still has what it has. */
  keep(): void {
    for (const handover of this.open) handover.keep();
  }

  /** The client is gone: others get what it did not finish. */
  giveBack(): void {
    for (const handover of [...this.open]) handover.giveBack();
  }
}
