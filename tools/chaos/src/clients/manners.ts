import type { World } from '../world.ts';
import type { Client } from './client.ts';
import type { Subscriber, Wish } from './subscriber.ts';

/** What a client does to itself now and then. */
export type Manner =
  /** DISCONNECT, and away for a while. */
  | 'leaves'
  /** The same without DISCONNECT. */
  | 'drops'
  /** Connects at the other door while it is connected. */
  | 'moves'
  /** Reads nothing for a while. */
  | 'freezes'
  /** SUBSCRIBE and UNSUBSCRIBE of further filters. */
  | 'subscribes';

/** Acts at random moments from `begin` on; `settle` ends what is under way. */
export interface Actor {
  begin(): void;
  tick(): void;
  /** Comes back, reads again, and does nothing of its own any more. */
  settle(): void;
}

export function createActor(
  { pace, now, random: source }: World,
  client: Client,
  manners: readonly Manner[],
  change: () => void = () => undefined,
): Actor {
  const random = source.fork(`${client.name} manners`);
  let actsAt = Infinity;
  let endsAt: number | undefined;
  const act = (manner: Manner): void => {
    switch (manner) {
      case 'leaves':
        client.disconnect();
        break;
      case 'drops':
        client.drop();
        break;
      case 'moves':
        client.takeOver();
        break;
      case 'freezes':
        client.freeze();
        break;
      case 'subscribes':
        change();
        break;
    }
    if (manner === 'leaves' || manner === 'drops' || manner === 'freezes') {
      endsAt = now() + random.between(...pace.awayMs);
    }
  };
  const endAbsence = (): void => {
    endsAt = undefined;
    client.thaw();
    client.come();
  };
  return {
    begin() {
      actsAt = now() + random.between(...pace.actionMs);
    },
    tick() {
      if (endsAt !== undefined) {
        if (now() < endsAt) return;
        endAbsence();
      }
      if (manners.length === 0 || now() < actsAt) return;
      actsAt = now() + random.between(...pace.actionMs);
      if (client.isOpen) act(random.pick(manners));
    },
    settle() {
      manners = [];
      endAbsence();
    },
  };
}

/** Subscribes to some of `extras` and unsubscribes from others, several at once. */
export function createChanger(
  { random: source }: World,
  subscriber: Subscriber,
  extras: readonly Wish[],
): () => void {
  const random = source.fork(`${subscriber.client.name} filters`);
  return () => {
    for (const wish of random.shuffle(extras).slice(0, random.int(1, 3))) {
      if (subscriber.isWaitingFor(wish.filter)) continue;
      if (!subscriber.isSubscribed(wish.filter)) subscriber.subscribe(wish);
      else subscriber.unsubscribe(wish.filter);
    }
  };
}
