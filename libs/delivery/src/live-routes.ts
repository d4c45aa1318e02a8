import { isDollar, liveSubjects, type TopicFilter } from '@trivium/contracts';
import type { BusMessage, LiveFeed, LiveSubscription } from '@trivium/bus';
import { Members } from './members.ts';
import { DeliveredMessage, topicTokens, wireQos } from './message.ts';
import type { TopicEntry, Topics } from './topics.ts';
import type { Wish } from './wish.ts';

/** What a route carries: every QoS for filters granted 0, only QoS 0 for those that get the rest from the log (rule 6). */
export type Reach = 'all' | 'qos0';

/** The core subscriptions for one filter, shared by all clients of the door that have it. */
interface Route {
  readonly key: string;
  readonly members: Members<Wish>;
  subscriptions: LiveSubscription[];
  /** Subscribes under way that will join: keeps the route open while they wait. */
  holds: number;
  /** A literal filter has one topic: it is looked up once, when the first message comes. */
  readonly literal: boolean;
  only: TopicEntry | undefined;
}

export interface LiveRoutes {
  /** Opens the route if need be; the caller waits for the feed's `flush()` and then calls `join` or `release`. */
  hold(filter: TopicFilter, reach: Reach): Hold;
  leave(wish: Wish, reach: Reach): void;
}

export interface Hold {
  join(wish: Wish): void;
  release(): void;
}

export function createLiveRoutes(feed: LiveFeed, topics: Topics): LiveRoutes {
  const routes = new Map<string, Route>();
  const delivered = new DeliveredMessage();

  const dispatch = (route: Route, fromWildcard: boolean, message: BusMessage): void => {
    const subject = message.subject;
    const qos = wireQos(subject);
    const entry = route.only ?? topics.entry(topicTokens(subject));
    if (route.literal) route.only = entry;
    // NATS' wildcards know nothing of `$` [MQTT3-4.7.2-1].
    if (entry === undefined || (fromWildcard && isDollar(entry.topic))) return;
    delivered.fill(message, entry, qos, 0);
    route.members.forEach((wish) => {
      const { client } = wish;
      if (client.detached) return;
      if (client.overlapping) {
        const best = topics.best(entry, client);
        if (best !== wish || (qos > 0 && best.sub.qos > 0)) return;
      }
      client.receiver.onLive(delivered, wish.sub);
    });
  };

  const open = (filter: TopicFilter, reach: Reach, key: string): Route => {
    const wild = filter.startsWith('+') || filter.startsWith('#');
    const literal = !filter.includes('+') && !filter.endsWith('#');
    const members = new Members<Wish>();
    const route: Route = { key, members, subscriptions: [], holds: 0, literal, only: undefined };
    route.subscriptions = liveSubjects(filter, reach).map((subject) =>
      feed.subscribe(subject, (message) => dispatch(route, wild, message)),
    );
    routes.set(key, route);
    return route;
  };

  const closeIfUnused = (route: Route): void => {
    if (route.members.size > 0 || route.holds > 0) return;
    routes.delete(route.key);
    for (const subscription of route.subscriptions) subscription.close();
  };

  return {
    hold(filter, reach) {
      const key = `${reach} ${filter}`;
      const route = routes.get(key) ?? open(filter, reach, key);
      route.holds++;
      let held = true;
      const release = (): void => {
        if (!held) return;
        held = false;
        route.holds--;
        closeIfUnused(route);
      };
      return {
        join(wish) {
          route.members.add(wish);
          release();
        },
        release,
      };
    },
    leave(wish, reach) {
      const route = routes.get(`${reach} ${wish.sub.filter}`);
      if (route === undefined || !route.members.delete(wish)) return;
      closeIfUnused(route);
    },
  };
}
