import type { Publisher } from './clients/publisher.ts';
import type { World } from './world.ts';

/** Topics that begin their last level so are published to now and then only, so that their state is known for a while. */
export const RARE = 'rare';
const RARELY = 0.03;

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
        const stream = random.pick(publisher.streams);
        if (!stream.topic.includes(`/${RARE}`) || random.chance(RARELY)) publisher.publish(stream);
      }
    },
    stop() {
      isStopped = true;
    },
  };
}
