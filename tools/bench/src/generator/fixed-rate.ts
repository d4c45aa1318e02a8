import type { Driver } from './driver.ts';
import type { Fleet } from './fleet.ts';
import { type Metronome, startMetronome } from './metronome.ts';

/** After a pause of the process, so many messages are sent at once and no more. */
const MOST_PER_TICK = 1_000;

/** Sends `plan.rate` messages a second, the publishers in turn, each in a write of its own. */
export function createFixedRate(fleet: Fleet): Driver {
  const { out, tally, publishers, plan } = fleet;
  const periodMs = 1_000 / plan.rate;
  let metronome: Metronome | undefined;
  let startedAt = Infinity;
  let turn = 0;

  const tick = () => {
    let now = performance.now();
    for (let n = 0; n < MOST_PER_TICK; n++) {
      const dueAt = startedAt + turn * periodMs;
      // A tick is as often early as late: half a period early is on time.
      if (dueAt > now + periodMs / 2) break;
      const publisher = publishers[turn++ % publishers.length];
      if (tally.measuring) tally.lag.add(now - dueAt);
      // One that cannot send is passed over: the rate sent then shows below the rate asked for.
      if (publisher?.link === undefined || !publisher.canSend) continue;
      publisher.encode(out, now);
      out.sendTo(publisher.link);
      now = performance.now();
    }
  };

  return {
    start: async () => {
      metronome = await startMetronome(periodMs, tick);
      startedAt = performance.now();
    },
    stop: async () => metronome?.stop(),
  };
}
