import type { Client } from './client.ts';
import { DeliveredMessage } from './message.ts';
import type { Retained, RetainedStore } from './retained-store.ts';
import type { Wish } from './wish.ts';

/** Retained messages handed to one client in one turn: 100,000 of them must not hold up the others. */
const PER_TURN = 500;

interface Due {
  wish: Wish;
  retained: Retained;
}

/** Retained messages on their way to clients that have subscribed: in their own pace, a part of them each turn. */
export interface RetainedPump {
  add(wish: Wish, retained: readonly Retained[]): void;
  /** The client has room again. */
  resume(client: Client): void;
  forget(client: Client): void;
}

export function createRetainedPump(store: () => RetainedStore): RetainedPump {
  const queues = new Map<Client, { due: Due[]; next: number; blocked: boolean; scheduled: boolean }>();
  const delivered = new DeliveredMessage();

  /**
   * Not when a newer message of the topic, or the same one, comes to this filter by the log, or the filter is gone. One that was stored
   * before the filter began does not come: its door may have died before it wrote the record, and until that is repaired the older counts.
   */
  const isDue = ({ wish, retained }: Due): boolean =>
    wish.client.wishes.get(wish.sub.filter) === wish &&
    (wish.sub.qos === 0 ||
      (retained.pos <= wish.start && retained.entry.retainedPos <= Math.max(retained.pos, wish.start))) &&
    store().isCurrent(retained);

  const pump = (client: Client): void => {
    const queue = queues.get(client);
    if (queue === undefined || queue.blocked) return;
    for (let count = 0; queue.next < queue.due.length; queue.next++) {
      const due = queue.due[queue.next]!;
      if (!isDue(due)) continue;
      if (++count > PER_TURN) return schedule(client);
      const { retained, wish } = due;
      delivered.fill(retained.message, retained.entry, retained.qos, retained.pos);
      if (client.receiver.onRetained!(delivered, wish.sub)) continue;
      queue.blocked = true;
      return;
    }
    queues.delete(client);
  };

  const schedule = (client: Client): void => {
    const queue = queues.get(client)!;
    if (queue.scheduled) return;
    queue.scheduled = true;
    setImmediate(() => {
      queue.scheduled = false;
      if (queues.get(client) === queue) pump(client);
    });
  };

  return {
    add(wish, retained) {
      const { client } = wish;
      if (retained.length === 0 || client.receiver.onRetained === undefined) return;
      let queue = queues.get(client);
      if (queue === undefined)
        queues.set(client, (queue = { due: [], next: 0, blocked: false, scheduled: false }));
      for (const one of retained) queue.due.push({ wish, retained: one });
      // Not in this call: the SUBACK goes first.
      schedule(client);
    },
    resume(client) {
      const queue = queues.get(client);
      if (queue === undefined || !queue.blocked) return;
      queue.blocked = false;
      pump(client);
    },
    forget(client) {
      queues.delete(client);
    },
  };
}
