import { setTimeout as sleep } from 'node:timers/promises';
import { createClosedLoop } from './closed-loop.ts';
import type { Driver } from './driver.ts';
import { createFixedRate } from './fixed-rate.ts';
import { createFleet, type Fleet } from './fleet.ts';
import type { LoadPlan } from './plan.ts';
import { untilAcknowledged, untilDelivered, untilSent } from './quiet.ts';
import type { LoadResult } from './tally.ts';

/** The state of one generator process at one moment of its own clock. */
export interface Mark {
  atMs: number;
  sent: number;
  delivered: number;
  /** CPU time of the process so far. */
  cpuMs: number;
}

export interface OfflineResult extends LoadResult {
  drainMs: number;
  firstMs: number;
  sessionsPresent: number;
}

/** What one generator process can be told, in this order. */
export interface Load {
  /** Opens all connections; in `offline` mode the subscribers are away again afterwards. */
  connect(): Promise<void>;
  start(): Promise<void>;
  /** Switches the measuring of latencies, and says where things are. */
  mark(measuring: boolean): Mark;
  /** Sends the rest of the quotas (none: stops at once), waits for what is on its way, disconnects. */
  finish(): Promise<LoadResult>;
  /** `offline`: publishes everything to the absent subscribers; answers how long storing took. */
  store(): Promise<{ storeMs: number; acknowledged: number }>;
  /** `offline`: brings the subscribers back and waits until they have everything. */
  drain(): Promise<OfflineResult>;
}

/** Long enough for a broker to notice that a client is gone. */
const SETTLE_MS = 300;

export function createLoad(plan: LoadPlan): Load {
  const fleet = createFleet(plan);
  const driver = createDriver(fleet);
  const { publishers, subscribers, tally } = fleet;
  const closeAll = () => fleet.close([...publishers, ...subscribers]);

  return {
    connect: async () => {
      await fleet.openSubscribers({ clean: plan.mode !== 'offline', subscribe: true });
      if (plan.mode === 'offline') {
        await fleet.close(subscribers);
        await sleep(SETTLE_MS);
      }
      await fleet.openPublishers();
    },
    start: async () => {
      tally.lastProgress = performance.now();
      await driver.start();
    },
    mark: (measuring) => {
      tally.measuring = measuring;
      const { user, system } = process.cpuUsage();
      return {
        atMs: performance.now(),
        sent: publishers.reduce((sum, { sent }) => sum + sent, 0),
        delivered: tally.delivered,
        cpuMs: (user + system) / 1_000,
      };
    },
    finish: async () => {
      for (const publisher of publishers) if (publisher.quota === Infinity) publisher.quota = publisher.sent;
      await untilSent(fleet);
      await driver.stop();
      await untilDelivered(fleet);
      await closeAll();
      return fleet.result();
    },
    store: async () => {
      const startedAt = performance.now();
      tally.lastProgress = startedAt;
      await driver.start();
      await untilSent(fleet);
      await untilAcknowledged(fleet);
      const storeMs = tally.lastProgress - startedAt;
      await driver.stop();
      const acknowledged = publishers.reduce((sum, publisher) => sum + publisher.acknowledged, 0);
      await fleet.close(publishers);
      return { storeMs, acknowledged };
    },
    drain: () => drainOffline(fleet),
  };
}

function createDriver(fleet: Fleet): Driver {
  switch (fleet.plan.mode) {
    case 'window':
      return createClosedLoop(fleet, { useWindow: true });
    case 'rate':
      return createFixedRate(fleet);
    case 'offline':
      return createClosedLoop(fleet, { useWindow: false });
  }
}

async function drainOffline(fleet: Fleet): Promise<OfflineResult> {
  const { subscribers, tally } = fleet;
  tally.measuring = true;
  const startedAt = performance.now();
  let firstAt: number | undefined;
  fleet.onCredit = () => (firstAt ??= tally.now);
  await fleet.openSubscribers({ clean: false, subscribe: false });
  const sessionsPresent = subscribers.filter(({ link }) => link?.sessionPresent).length;
  await untilDelivered(fleet);
  const drainMs = tally.lastProgress - startedAt;
  // Late duplicates are still to be seen, and the last acknowledgements to leave.
  await sleep(SETTLE_MS);
  await fleet.close(subscribers);
  // A clean session takes the place of the stored one: nothing is left behind.
  await fleet.openSubscribers({ clean: true, subscribe: false });
  await fleet.close(subscribers);
  return { ...fleet.result(), drainMs, firstMs: (firstAt ?? NaN) - startedAt, sessionsPresent };
}
