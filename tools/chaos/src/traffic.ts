import type { Publisher } from './clients/publisher.ts';
import type { World } from './world.ts';

/** Messages at a rate from publishers taken by chance, each from one of its streams. */
export interface Traffic {
  /** Sends what is due; a publisher that cannot send just now is passed over. */
  tick(): void;
  stop(): void;
}

export function createTraffic(
  { random: source, now }: World,
  publishers: readonly Publisher[],
  ratePerS: number,
): Traffic {
  const random = source.fork('traffic');
  let last = now();
  let owed = 0;
  let isStopped = false;
  return {
    tick() {
      const at = now();
      // After a pause of this process it does not send everything at once.
      owed = Math.min(owed + ((at - last) * ratePerS) / 1_000, ratePerS / 4);
      last = at;
      for (; owed >= 1 && !isStopped; owed--) {
        const publisher = random.pick(publishers);
        publisher.publish(random.pick(publisher.streams));
      }
    },
    stop() {
      isStopped = true;
    },
  };
}
