import { matches, parseShare, type SessionSubscription, type TopicFilter } from '@trivium/contracts';
import type { Facts } from './facts.ts';

/** Where the client is, and what it is subscribed to. */
export interface Place {
  readonly connected: boolean;
  readonly door: string | undefined;
  readonly service: string | undefined;
  readonly host: string | undefined;
  readonly since: number | undefined;
  /** Undefined: its door does not say. */
  readonly subscriptions: readonly SessionSubscription[] | undefined;
}

/**
 * Its session says it, or a door at which it has something attached; its presence, which comes a little later, only of clients without a
 * session. Who is at a door that is gone is away.
 */
export function placeOf({ session, presence, doors }: Facts): Place {
  const attached = doors.find(({ filters }) => filters?.attached);
  const online = session === undefined && presence?.online === true ? presence.door : undefined;
  const said = session?.door ?? attached?.lease.incarnation ?? online;
  const at = doors.find(({ lease }) => lease.incarnation === said);
  const since = session?.door === said ? session?.connectedAt : presence?.connectedAt;
  const told = doors.flatMap(({ filters }) => filters?.subscriptions ?? []);
  const stored = session?.clean === false ? session.subscriptions : [];
  const known = new Set(stored.map(({ filter }) => filter));
  const others = told.filter(({ filter }) => !known.has(filter));
  const isKnown = session?.clean === false || at === undefined || at.filters !== undefined;
  return {
    ...{ connected: at !== undefined, door: at?.lease.incarnation, service: at?.lease.service },
    ...{ host: at?.lease.host, since: at === undefined ? undefined : since },
    subscriptions: isKnown ? [...stored, ...others] : undefined,
  };
}

/** A subscription, and the filter that it is about. */
export interface Match {
  readonly subscription: SessionSubscription;
  readonly filter: string;
  readonly group: string | undefined;
}

/** Those of the subscriptions that match the topic. */
export function matchesOf({ topic }: Facts, subscriptions: readonly SessionSubscription[]): Match[] {
  return subscriptions.flatMap((subscription) => {
    const share = parseShare(subscription.filter);
    if (!share.ok) return [];
    const filter = share.value?.filter ?? subscription.filter;
    if (!matches(filter as TopicFilter, topic)) return [];
    return [{ subscription, filter, group: share.value?.group }];
  });
}
