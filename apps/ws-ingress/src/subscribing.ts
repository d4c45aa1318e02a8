import { refuse, type Refusal, type TopicFilter } from '@trivium/contracts';
import type { Rights } from '@trivium/identity';
import type { Attachment, Delivery, Receiver, Subscription } from '@trivium/delivery';

/** The filters of one client. Changes take effect one after the other, in the order of the calls. */
export interface Subscribing {
  /** Changes that wait for those before them, or for the bus. */
  readonly pending: number;
  /** `from`: a log position to go on from. Resolves when the filters are active; a value says why they are not, a rejection is retryable. */
  subscribe(subs: readonly Subscription[], from: number | undefined): Promise<Granted | Refusal>;
  unsubscribe(filters: readonly TopicFilter[]): Promise<void>;
  /** There is room again after a durable message was refused. */
  resume(): void;
  detach(): void;
}

export interface Granted {
  readonly subs: readonly Subscription[];
  /** What matches and is stored above this is still to come. Undefined while only live messages are wanted. */
  readonly pos: number | undefined;
}

export function createSubscribing(
  delivery: Delivery,
  receiver: Receiver,
  rights: Pick<Rights, 'subscribe' | 'unsubscribe'>,
  maxSubscriptions: number,
): Subscribing {
  const filters = new Set<TopicFilter>();
  let attachment: Attachment | undefined;
  let detached = false;
  let pending = 0;
  let last: Promise<unknown> = Promise.resolve();

  const inTurn = async <T>(change: () => T | Promise<T>): Promise<T> => {
    pending++;
    const before = last;
    const mine = before.then(change);
    last = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      pending--;
    }
  };

  return {
    get pending() {
      return pending;
    },
    subscribe: (subs, from) =>
      inTurn(async () => {
        if (detached) return refuse('server.draining', 'the connection is closing').error;
        const added = new Set(subs.map(({ filter }) => filter).filter((filter) => !filters.has(filter)));
        const wanted = filters.size + added.size;
        if (wanted > maxSubscriptions) {
          const message = `${wanted} filters, a client may have ${maxSubscriptions}`;
          return refuse('quota.exceeded', message).error;
        }
        const giveUp = (): void => {
          for (const filter of added) rights.unsubscribe(filter);
        };
        const denied = subs.find(({ filter }) => !rights.subscribe(filter));
        if (denied !== undefined) {
          giveUp();
          return refuse('auth.denied', `you may not subscribe to ${denied.filter}`).error;
        }
        attachment ??= delivery.attach(receiver);
        try {
          await attachment.subscribe(subs, from === undefined ? {} : { after: from });
        } catch (error) {
          giveUp();
          throw error;
        }
        for (const { filter } of subs) filters.add(filter);
        return { subs, pos: attachment.durable ? attachment.pos : undefined };
      }),
    unsubscribe: (gone) =>
      inTurn(() => {
        attachment?.unsubscribe(gone);
        for (const filter of gone) {
          filters.delete(filter);
          rights.unsubscribe(filter);
        }
      }),
    resume: () => attachment?.resume(),
    detach() {
      detached = true;
      attachment?.detach();
    },
  };
}
