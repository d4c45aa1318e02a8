import { TriviumError, type TopicFilter } from '@trivium/contracts';
import type { Bus, Logger } from '@trivium/bus';
import { Client } from './client.ts';
import { serveFilters, subscriptionsOf } from './client-filters.ts';
import { createDurableFeed } from './durable-feed.ts';
import { createLiveRoutes, type Hold, type Reach } from './live-routes.ts';
import type { AttachOptions, Attachment, Delivery, Receiver, Subscription } from './receiver.ts';
import { createRetainedPump } from './retained-pump.ts';
import { createRetainedStore, type Retained } from './retained-store.ts';
import { createRereader } from './rereader.ts';
import { createShares, type SharedSubscription } from './shares.ts';
import { Topics } from './topics.ts';
import { createTurns } from './turns.ts';
import type { Wish } from './wish.ts';

/** How long after a subscribe a record that its snapshot missed may still be on its way. */
const LATE_MS = 10_000;

/** The part of a door that knows who wants what: clients' filters, the live routes and the one reader of the log. */
export function createDelivery({ bus, logger }: { bus: Bus; logger: Logger }): Delivery {
  const topics = new Topics();
  const clients = new Set<Client>();
  const losses = { dropped: 0, expired: 0 };
  const turns = createTurns();
  const routes = createLiveRoutes(bus.live, topics);
  const feed = createDurableFeed(bus, topics, clients, logger);

  /** A record that came later than a subscribe which began above its log position: neither snapshot nor log gave it. */
  const onRetained = (retained: Retained): void => {
    for (const wish of topics.matches(retained.entry))
      if (
        wish.sub.sendRetained === true &&
        !wish.client.detached &&
        retained.pos <= wish.start &&
        performance.now() - wish.at < LATE_MS
      )
        pump.addLate(wish, retained);
  };
  const retained = createRetainedStore(bus, topics, onRetained);
  const pump = createRetainedPump(() => retained);

  const shares = createShares(bus, topics, logger);

  const attach = (receiver: Receiver, options: AttachOptions = {}): Attachment => {
    const client = new Client(receiver, options, topics, losses);
    clients.add(client);
    let resumeAt = options.after;

    const remove = (wish: Wish): void => {
      routes.leave(wish, reachOf(wish.sub));
      topics.remove(wish);
      client.remove(wish);
    };

    const activate = (sub: Subscription, hold: Hold, start: number, last: number): Wish => {
      // A position above the end of the log is one that a power cut took back.
      const from = sub.from === undefined ? start : Math.min(sub.from, last);
      const before = client.wishes.get(sub.filter);
      if (before !== undefined) remove(before);
      // A filter that was durable already goes on from where it began: replacing it opens no gap [MQTT3-3.8.4-3].
      const keeps = before !== undefined && before.sub.qos > 0;
      const wish: Wish = {
        client,
        sub,
        from: keeps ? Math.min(before.from, from) : from,
        start,
        at: performance.now(),
      };
      client.add(wish);
      topics.add(wish);
      hold.join(wish);
      return wish;
    };

    const subscribe = async (asks: readonly Subscription[], asked: number | undefined): Promise<void> => {
      const subs = inOrder(asks);
      const holds: Hold[] = [];
      try {
        await turns.each(subs, (sub) => void holds.push(routes.hold(sub.filter, reachOf(sub))));
        await begin(subs, holds, asked);
      } finally {
        await turns.each(holds, (hold) => hold.release());
      }
    };

    /** Their routes are open. */
    const begin = async (
      subs: readonly Subscription[],
      holds: readonly Hold[],
      asked: number | undefined,
    ): Promise<void> => {
      const durable = subs.some((sub) => sub.qos > 0);
      const asks = subs.some((sub) => sub.sendRetained === true) && receiver.onRetained !== undefined;
      const positioned = durable || asks;
      let after = asked;
      let last = 0;
      if (subs.some((sub) => sub.qos > 0 && client.wishes.get(sub.filter)?.sub.qos === 0)) {
        // From live to log without a gap [MQTT3-3.8.4-3]: the flush ends after the live copies of all up to `last` are here.
        last = await bus.lastPos('MESSAGES');
        await bus.live.flush();
      } else {
        [last] = await Promise.all([positioned ? bus.lastPos('MESSAGES') : 0, bus.live.flush()]);
      }
      if (asks) await retained.caughtUp();
      if (durable && resumeAt !== undefined && after === resumeAt && after < last)
        after = await withoutTheExpired(after, last);
      // Without `after` it begins where nothing of it has been passed: neither by the door's feed nor by the client's own source.
      const startNow = (): number =>
        after === undefined ? Math.max(last, feed.pos ?? 0, feed.reachOf(client)) : Math.min(after, last);
      const start = startNow();
      if (durable && client.durable && after !== undefined && start < feed.posOf(client)) goBack(start);
      const joins = client.source === 'none';
      await turns.each(subs.entries(), ([at, sub]) => {
        if (client.detached) return false;
        const here = joins ? start : startNow(); // its source goes on between the slices
        const wish = activate(sub, holds[at]!, here, Math.max(last, here));
        if (sub.sendRetained === true) pump.add(wish);
        return true;
      });
      if (client.detached) return;
      if (client.durable && client.source === 'none') {
        client.pos = start;
        feed.join(client, Math.max(last, start));
      } else if (!client.durable) {
        feed.leave(client);
      }
    };

    /** What a session has missed counts for so long. */
    const withoutTheExpired = async (after: number, last: number): Promise<number> => {
      if (client.limits === undefined) return after;
      const first = await bus.firstPosAfter(Date.now() - client.limits.maxAgeMs);
      if (first - 1 <= after) return after;
      losses.expired++;
      return Math.min(first - 1, last);
    };

    /** For an older `after` next to filters that are further on: those keep their place by their `from`. */
    const goBack = (start: number): void => {
      const here = feed.posOf(client);
      for (const wish of client.wishes.values()) wish.from = Math.max(wish.from, here);
      feed.leave(client);
      client.pos = start;
    };

    return {
      get pos() {
        return feed.posOf(client);
      },
      get live() {
        return client.live || client.source === 'none';
      },
      get subscriptions() {
        return subscriptionsOf(client);
      },
      get durable() {
        return client.durable;
      },
      async subscribe(subs, { after } = {}) {
        if (client.detached) throw new TriviumError('defect', 'subscribe after detach');
        const from = after ?? resumeAt;
        const shared = subs.filter(isShared);
        if (shared.length < subs.length)
          await subscribe(
            subs.filter((sub) => !isShared(sub)),
            from,
          );
        await Promise.all(shared.map((sub) => shares.join(client, sub)));
        resumeAt = undefined;
      },
      unsubscribe(filters) {
        const gone = filters.map((filter) => {
          const wish = client.wishes.get(filter);
          if (wish === undefined) return shares.leave(client, filter);
          remove(wish);
          return true;
        });
        if (!client.durable) feed.leave(client);
        return gone;
      },
      resume() {
        pump.resume(client);
        feed.resume(client);
        shares.resume(client);
      },
      detach({ stays = false } = {}) {
        if (client.detached) return;
        shares.detach(client, stays);
        feed.leave(client);
        pump.forget(client);
        client.detached = true;
        clients.delete(client);
        void turns.each(client.wishes.values(), remove);
      },
    };
  };

  const filters = serveFilters(bus, clients);

  return {
    attach,
    stats: {
      get receivers() {
        return clients.size;
      },
      get retained() {
        return retained.size;
      },
      get filters() {
        return topics.filters;
      },
      get catchingUp() {
        let count = 0;
        for (const client of clients) if (client.source !== 'none' && !client.live) count++;
        return count;
      },
      get lostToRetention() {
        return feed.lostToRetention;
      },
      get dropped() {
        return losses.dropped;
      },
      get expired() {
        return losses.expired;
      },
      get shares() {
        return shares.size;
      },
      get droppedShared() {
        return shares.dropped;
      },
    },
    read: createRereader(bus, topics),
    close() {
      filters.close();
      retained.close();
      shares.close();
      feed.close();
    },
  };
}

function reachOf(sub: Subscription): Reach {
  return sub.qos > 0 ? 'qos0' : 'all';
}

/**
 * As if they came one after the other [MQTT-3.8.4-4]: of one filter the last counts. Durable ones first: a client whose filters begin in
 * several slices gets nothing live that it is to have from the log.
 */
function inOrder(subs: readonly Subscription[]): readonly Subscription[] {
  const last = new Map<TopicFilter, Subscription>();
  for (const sub of subs) {
    const sendRetained = sub.sendRetained === true || last.get(sub.filter)?.sendRetained === true;
    last.set(sub.filter, sendRetained ? { ...sub, sendRetained } : sub);
  }
  const all = [...last.values()];
  return [...all.filter(({ qos }) => qos > 0), ...all.filter(({ qos }) => qos === 0)];
}

function isShared(sub: Subscription): sub is SharedSubscription {
  return sub.share !== undefined;
}
