import type { Bus, Logger } from '@trivium/bus';
import { shareName, type Share, type TopicFilter } from '@trivium/contracts';
import type { Client } from './client.ts';
import { Member } from './member.ts';
import type { Subscription } from './receiver.ts';
import { createShareRegistry } from './share-registry.ts';
import { SharedFeed } from './shared-feed.ts';
import type { Topics } from './topics.ts';

/** Well below the time after which a message that nobody speaks of goes to somebody else. */
const KEEP_MS = 3_000;
const RETRY_MS = 1_000;

/** A subscription to a share. */
export type SharedSubscription = Subscription & { readonly share: Share };

/** The shared subscriptions of this door's clients. */
export interface Shares {
  /** When it resolves the client is a member. Rejects with a retryable `TriviumError`; nothing has changed then. */
  join(client: Client, sub: SharedSubscription): Promise<void>;
  /** It is handed nothing more when this returns. False: it was not there. */
  leave(client: Client, filter: TopicFilter): boolean;
  /** The client's connection is over. `stays`: its session is not, and remains a member. */
  detach(client: Client, stays: boolean): void;
  resume(client: Client): void;
  readonly size: number;
  /** QoS 0 messages that no member had room for. */
  readonly dropped: number;
  close(): void;
}

export function createShares(bus: Bus, topics: Topics, logger: Logger): Shares {
  const registry = createShareRegistry(bus, logger);
  /** By the name of the share. */
  const feeds = new Map<string, SharedFeed>();
  /** Members that have left, until they are done with what they have. */
  const leaving = new Set<Member>();
  const settle = bus.shared.settle.bind(bus.shared);
  let dropped = 0;
  let closed = false;

  const keep = setInterval(() => {
    for (const feed of feeds.values()) feed.keep();
    for (const member of leaving)
      if (member.open.size === 0) leaving.delete(member);
      else member.keep();
  }, KEEP_MS);
  keep.unref();

  const feedOf = (share: Share, consumer: string): SharedFeed => {
    const name = shareName(share);
    const there = feeds.get(name);
    if (there?.consumer === consumer) return there;
    const feed: SharedFeed = new SharedFeed({
      ...{ bus, topics, share, consumer },
      onGone: () => mend(share, feed),
      onDropped: () => void dropped++,
    });
    feeds.set(name, feed);
    // The share was given up and begun anew, by others.
    for (const member of [...(there?.members ?? [])]) {
      there!.remove(member);
      feed.add(member);
    }
    there?.close();
    return feed;
  };

  /** The consumer does not answer: it was lost, or NATS is not all there yet. Its members enter again. */
  const mend = (share: Share, feed: SharedFeed): void => {
    setTimeout(() => {
      const [member] = feed.members;
      if (closed || member === undefined || feeds.get(shareName(share)) !== feed) return;
      const { receiver, tie } = member;
      registry.enter(share, receiver.id, tie, feed.pos).then(
        (consumer) => {
          if (consumer === undefined || member.feed !== feed) return;
          feedOf(share, consumer).resume();
        },
        (err: unknown) => {
          logger.debug(
            { share: shareName(share), err },
            'a shared subscription does not answer, trying again',
          );
          mend(share, feed);
        },
      );
    }, RETRY_MS).unref();
  };

  const closeIfUnused = (feed: SharedFeed, share: Share): void => {
    if (!feed.unused) return;
    feed.close();
    if (feeds.get(shareName(share)) === feed) feeds.delete(shareName(share));
  };

  const remove = (member: Member): void => {
    const { feed } = member;
    if (feed === undefined) return;
    feed.remove(member);
    closeIfUnused(feed, member.share);
  };

  const leaveRegistry = ({ share, receiver, tie }: Member): void => {
    // What fails here is found by a router: the session does not have the filter any more, or is gone.
    registry.leave(share, receiver.id, tie).catch((err: unknown) => {
      logger.debug(
        { share: shareName(share), client: receiver.id, err },
        'could not leave a shared subscription',
      );
    });
  };

  /** It did not get to be active. A session that stays may have been a member before: a router sees to it. */
  const abandon = (member: Member): void => {
    if (member.tie !== '') leaveRegistry(member);
  };

  return {
    async join(client, sub) {
      const { share, filter } = sub;
      const there = client.shares.get(filter);
      if (there !== undefined) {
        there.sub = sub;
        return;
      }
      const member = new Member({ receiver: client.receiver, share, sub, tie: client.tie, settle });
      const consumer = await registry.enter(share, client.receiver.id, client.tie);
      if (consumer === undefined) return; // it has left meanwhile
      const feed = feedOf(share, consumer);
      feed.joining++;
      try {
        await bus.live.flush();
        if (client.detached) return abandon(member);
        client.shares.set(filter, member);
        (feeds.get(shareName(share)) ?? feed).add(member);
      } catch (cause) {
        abandon(member);
        throw cause;
      } finally {
        feed.joining--;
        closeIfUnused(feed, share);
      }
    },
    leave(client, filter) {
      const member = client.shares.get(filter);
      if (member === undefined) return false;
      client.shares.delete(filter);
      remove(member);
      leaving.add(member);
      leaveRegistry(member);
      return true;
    },
    detach(client, stays) {
      for (const member of client.shares.values()) {
        remove(member);
        member.giveBack();
        if (!stays) leaveRegistry(member);
      }
      for (const member of leaving) if (member.receiver === client.receiver) member.giveBack();
      client.shares.clear();
    },
    resume(client) {
      for (const { feed } of client.shares.values()) feed?.resume();
    },
    get size() {
      return feeds.size;
    },
    get dropped() {
      return dropped;
    },
    close() {
      closed = true;
      clearInterval(keep);
      for (const feed of feeds.values()) feed.close();
      feeds.clear();
    },
  };
}
