import { TriviumError } from '@trivium/contracts';
import type { Subscription } from '@nats-io/nats-core';
import type { BusMessage, BusStats, LiveFeed } from './bus.ts';
import type { Logger } from './config.ts';
import type { Lane } from './lane.ts';

interface Route {
  subscription: Subscription;
  handlers: ((message: BusMessage) => void)[];
}

/** Core subscriptions of one process: one per distinct subject, whatever the number of handlers. */
export function createLiveFeed(lane: Lane, logger: Logger, stats: BusStats): LiveFeed {
  const { nc } = lane;
  const routes = new Map<string, Route>();
  let flushing: Promise<void> | undefined;

  const open = (key: string, subject: string, queue: string | undefined): Route => {
    const handlers: Route['handlers'] = [];
    const subscription = nc.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback(error, message) {
        if (error) return;
        stats.liveReceived++;
        try {
          if (handlers.length === 1) handlers[0]!(message);
          else for (const handler of [...handlers]) handler(message);
        } catch (cause) {
          // The client's read loop ends for good on a throw: a defect in one handler must not stop the door.
          logger.error({ subject, err: cause }, 'a handler of live messages threw');
        }
      },
    });
    const route = { subscription, handlers };
    routes.set(key, route);
    return route;
  };

  return {
    subscribe(subject, handler, queue) {
      const key = queue === undefined ? subject : `${subject} ${queue}`;
      const route = routes.get(key) ?? open(key, subject, queue);
      route.handlers.push(handler);
      let closed = false;
      return {
        subject,
        close() {
          if (closed) return;
          closed = true;
          route.handlers.splice(route.handlers.indexOf(handler), 1);
          if (route.handlers.length > 0) return;
          routes.delete(key);
          route.subscription.unsubscribe();
        },
      };
    },
    flush() {
      if (!lane.up) return Promise.reject(new TriviumError('bus.unavailable'));
      flushing ??= new Promise((resolve, reject) => {
        // Waits for the end of this turn, so that all of its subscriptions share the round trip.
        queueMicrotask(() => {
          flushing = undefined;
          nc.flush().then(resolve, () => reject(new TriviumError('bus.unavailable')));
        });
      });
      return flushing;
    },
  };
}
