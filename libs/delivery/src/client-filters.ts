import type { Bus, LiveSubscription } from '@trivium/bus';
import { ClientFilters, doorFiltersSubject, encodeJson, subjectClient } from '@trivium/contracts';
import type { Client } from './client.ts';
import type { Subscription } from './receiver.ts';

/** With the log positions at which they began. */
export function* subscriptionsOf(client: Client): Iterable<Subscription> {
  for (const { sub, from } of client.wishes.values()) yield sub.qos > 0 ? { ...sub, from } : sub;
  for (const { sub } of client.shares.values()) yield sub;
}

/** Tells whoever asks what a client gets here: what no session's record says of clean sessions and of clients without one. */
export function serveFilters(
  bus: Pick<Bus, 'incarnation' | 'serve'>,
  clients: Iterable<Client>,
): LiveSubscription {
  return bus.serve(doorFiltersSubject(bus.incarnation), ({ subject }) =>
    encodeJson(ClientFilters, filtersOf(clients, subjectClient(subject))),
  );
}

/** Of everything that is attached for the client. */
function filtersOf(clients: Iterable<Client>, id: string | undefined): ClientFilters {
  const own = [...clients].filter(({ receiver }) => receiver.id === id);
  const subscriptions = own.flatMap((client) => [...subscriptionsOf(client)]);
  return {
    ...{ v: 1, attached: own.length > 0 },
    subscriptions: subscriptions.map(({ filter, qos, from = 0 }) => ({ filter, qos, from })),
  };
}
