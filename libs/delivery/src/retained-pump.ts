import type { TopicFilter } from '@trivium/contracts';
import type { Client } from './client.ts';
import { DeliveredMessage } from './message.ts';
import type { Retained, RetainedStore } from './retained-store.ts';
import type { Wish } from './wish.ts';

/** Retained messages handed to one client in one turn: 100,000 of them must not hold up the others. */
const PER_TURN = 500;

/** What one filter is still to bring: from the store as it was then, and what came to it late. */
interface Ask {
  readonly wish: Wish;
  /** `RetainedStore.arrivals` when the filter began, 0 for nothing of the store. */
  readonly upTo: number;
  readonly late: Retained[];
}

/**
 * By filter, so that a client which subscribes again and again without reading fills nothing. The store is looked through when the turn
 * of a filter comes: one filter's messages at a time are listed.
 */
interface Queue {
  readonly asks: Map<TopicFilter, Ask>;
  wish: Wish | undefined;
  due: readonly Retained[];
  next: number;
  blocked: boolean;
  scheduled: boolean;
}

/** Retained messages on their way to clients that have subscribed: in their own pace, a part of them each turn. */
export interface RetainedPump {
  /** All that is retained now and matches. */
  add(wish: Wish): void;
  /** One that the store got only now. */
  addLate(wish: Wish, retained: Retained): void;
  /** The client has room again. */
  resume(client: Client): void;
  forget(client: Client): void;
}

export function createRetainedPump(store: () => RetainedStore): RetainedPump {
  const queues = new Map<Client, Queue>();
  const delivered = new DeliveredMessage();

  const isWanted = (wish: Wish): boolean => wish.client.wishes.get(wish.sub.filter) === wish;

  /**
   * Not when a newer message of the topic, or the same one, comes to this filter by the log, or the filter is gone. One that was stored
   * before the filter began does not come: its door may have died before it wrote the record, and until that is repaired the older counts.
   */
  const isDue = (wish: Wish, retained: Retained): boolean =>
    isWanted(wish) &&
    (wish.sub.qos === 0 ||
      (retained.pos <= wish.start && retained.entry.retainedPos <= Math.max(retained.pos, wish.start))) &&
    store().isCurrent(retained);

  /** Lists what the next filter brings. False: there is none. */
  const take = (queue: Queue): boolean => {
    for (const [filter, { wish, upTo, late }] of queue.asks) {
      queue.asks.delete(filter);
      if (!isWanted(wish)) continue;
      queue.wish = wish;
      queue.due = upTo > 0 ? [...store().match(filter, upTo), ...late] : late;
      queue.next = 0;
      return true;
    }
    return false;
  };

  const pump = (client: Client): void => {
    const queue = queues.get(client);
    if (queue === undefined || queue.blocked) return;
    let count = 0;
    do {
      for (; queue.next < queue.due.length; queue.next++) {
        const retained = queue.due[queue.next]!;
        const wish = queue.wish!;
        if (!isDue(wish, retained)) continue;
        if (++count > PER_TURN) return schedule(client);
        delivered.fill(retained.message, retained.entry, retained.qos, retained.pos);
        if (client.receiver.onRetained!(delivered, wish.sub)) continue;
        queue.blocked = true;
        return;
      }
    } while (take(queue));
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

  const ask = (wish: Wish, upTo: number): Ask | undefined => {
    const { client, sub } = wish;
    if (client.receiver.onRetained === undefined) return undefined;
    let queue = queues.get(client);
    if (queue === undefined) {
      queue = { asks: new Map(), wish: undefined, due: [], next: 0, blocked: false, scheduled: false };
      queues.set(client, queue);
    }
    let asked = queue.asks.get(sub.filter);
    if (asked?.wish !== wish) {
      asked = { wish, upTo, late: [] };
      queue.asks.set(sub.filter, asked);
    }
    // Not in this call: the SUBACK goes first.
    schedule(client);
    return asked;
  };

  return {
    add(wish) {
      ask(wish, store().arrivals);
    },
    addLate(wish, retained) {
      ask(wish, 0)?.late.push(retained);
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
