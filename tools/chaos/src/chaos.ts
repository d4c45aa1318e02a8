import { setTimeout as sleep } from 'node:timers/promises';
import { createFindings } from './accounts/findings.ts';
import { createMessages, describeStream } from './accounts/messages.ts';
import { createTally } from './accounts/tally.ts';
import { createTrace } from './accounts/trace.ts';
import { createFleet, type Fleet } from './clients/fleet.ts';
import { close } from './closing.ts';
import { runKills, type Kill } from './harm/kill-loop.ts';
import { chooseKinds } from './harm/kinds.ts';
import { createOutages } from './harm/outages.ts';
import { createRandom } from './random.ts';
import type { Target } from './targets/target.ts';
import { createTraffic } from './traffic.ts';
import type { Pace, World } from './world.ts';

/** Durations in milliseconds; ranges are [shortest, longest]. */
export interface ChaosPace extends Pace {
  readonly pauseMs: readonly [number, number];
  readonly downMs: readonly [number, number];
  readonly frozenMs: readonly [number, number];
  readonly backMs: number;
  readonly stallMs: number;
  readonly quietMs: number;
}

/** For a hub whose leases are over in 6 s. */
export const USUAL_PACE: ChaosPace = {
  ...{
    actionMs: [1_000, 4_500],
    awayMs: [300, 5_000],
    answerMs: 5_000,
    pingMs: 1_000,
    peekMs: 5_000,
    retryMs: [50, 300],
  },
  ...{
    takeoverMs: 10_000,
    leaseMs: 8_000,
    willMs: 15_000,
    pauseMs: [800, 3_500],
    downMs: [0, 1_000],
    frozenMs: [8_000, 12_000],
  },
  ...{ backMs: 120_000, stallMs: 20_000, quietMs: 2_000 },
};

export interface ChaosOptions {
  readonly seed: number;
  readonly kills: number;
  /** How long to go on when there is nothing to kill. */
  readonly calmMs: number;
  readonly withFreezes: boolean;
  readonly ratePerS: number;
  readonly publishers: number;
  readonly subscribers: number;
  readonly pace: ChaosPace;
  readonly signal: AbortSignal;
  progress(line: string): void;
}

export interface ChaosResult {
  readonly world: World;
  readonly kills: readonly Kill[];
  readonly tookMs: number;
}

const TICK_MS = 10;

/** One run against a target that is up. Rejects when it cannot be run at all; what the target does wrong is in the findings. */
export async function chaos(target: Target, options: ChaosOptions): Promise<ChaosResult> {
  const { pace, progress, signal } = options;
  const world = createWorld(options);
  const { now, tally, messages, findings } = world;
  const prefix = `chaos${options.seed}-${Math.floor(Date.now() / 1_000) % 100_000}`;
  const { doors, observer, services } = target;
  const fleet = createFleet(world, { ...options, doors, observer, prefix });
  const ticks = [fleet.tick];
  const timer = setInterval(() => ticks.forEach((tick) => tick()), TICK_MS);
  const say = (line: string): void => progress(`${(now() / 1_000).toFixed(1).padStart(7)} s  ${line}`);
  const sums = (): string =>
    `${messages.sent} messages, ${tally.deliveries} deliveries, ${tally.qos1Duplicates.length} QoS 1 duplicates, ${findings.total} findings`;

  try {
    await everybodyIsThere(fleet, pace.backMs, world);
    say(
      `${options.publishers} publishers, ${options.subscribers} subscribers and clients with wills are connected`,
    );
    fleet.begin();
    const traffic = createTraffic(world, fleet.publishers, options.ratePerS);
    ticks.push(traffic.tick);
    const parts = new Set(services.map(({ part }) => part));
    const kinds = chooseKinds(options.kills, parts, options.withFreezes, world.random.fork('kinds'));
    const kills = await runKills(world, {
      ...pace,
      ...{ kinds, services, publishers: fleet.steady, signal },
      onKill: ({ kind, parts: harmed, readyMs, serviceMs }, number) =>
        say(
          `${number}/${kinds.length} ${kind} (${harmed.join(', ')}): ready after ${readyMs.toFixed(0)} ms, ` +
            `service after ${serviceMs.toFixed(0)} ms; ${sums()}`,
        ),
    });
    if (kinds.length === 0) await sleep(options.calmMs, undefined, { signal }).catch(() => undefined);
    traffic.stop();
    await close(world, fleet, { ...pace, doors, prefix, progress: say, also: (tick) => ticks.push(tick) });
    say(sums());
    return { world, kills, tookMs: now() };
  } finally {
    clearInterval(timer);
    fleet.stop();
  }
}

function createWorld({ seed, pace }: ChaosOptions): World {
  const beganAt = performance.now();
  const now = (): number => performance.now() - beganAt;
  const messages = createMessages();
  const describe = (index: number): string => {
    const stream = messages.streams[index];
    return stream === undefined ? '?' : describeStream(stream);
  };
  return {
    ...{ messages, pace, now, random: createRandom(seed) },
    trace: createTrace(now, describe),
    findings: createFindings(),
    tally: createTally(),
    outages: createOutages(now, pace.leaseMs),
  };
}

/** A hub that refuses its clients is not worth a run: says why. */
async function everybodyIsThere(
  { publishers, subscribers, watcher }: Fleet,
  timeoutMs: number,
  world: World,
): Promise<void> {
  const until = world.now() + timeoutMs;
  const all = [...publishers, ...subscribers, watcher];
  for (;;) {
    const waits =
      all.some(({ client }) => !client.isOpen) ||
      [...subscribers, watcher].some((one) => one.openRequests > 0);
    const [refused] = world.findings.examples;
    if (refused === undefined && !waits) return;
    if (refused !== undefined || world.now() > until) {
      throw new Error(`the clients could not be connected: ${refused?.text ?? `after ${timeoutMs} ms`}`);
    }
    await sleep(20);
  }
}
