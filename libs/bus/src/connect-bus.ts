import { randomBytes } from 'node:crypto';
import { TriviumError, type BucketName, type StreamName } from '@trivium/contracts';
import type { Bucket, Bus, BusStats, Follower } from './bus.ts';
import { createBucket } from './bucket.ts';
import type { BusConfig, Logger } from './config.ts';
import { createDirectReader } from './direct-reader.ts';
import { createFirstAfter } from './first-after.ts';
import { createFollower } from './follower.ts';
import { inspect } from './inspect.ts';
import { openLane, type Lane } from './lane.ts';
import { createLiveFeed } from './live-feed.ts';
import { missingBuckets } from './missing-buckets.ts';
import { provision } from './provision.ts';
import { createPublisher } from './publisher.ts';
import type { StreamState } from './push-reader.ts';
import { createRetainedWriter } from './retained-writer.ts';
import { createRequests } from './requests.ts';
import { createSharedLog } from './shared-log.ts';
import { storeOnce } from './store-once.ts';
import { createStoredMessages } from './stored-messages.ts';
import { createStreamEdits } from './stream-edits.ts';
import { checkServer } from './server-check.ts';
import { createViolations } from './violations.ts';
import { api } from './wire.ts';

const PURPOSES = ['publish', 'live', 'feed', 'scan'] as const;
/** How long `close()` waits for the answers to open publishes. */
const SETTLE_MS = 5_000;

/**
 * Connects (waiting for NATS as long as it takes), checks that this NATS can carry the hub, and creates streams and buckets that
 * are missing. Rejects with `config.invalid` when NATS refuses who we are, or it or a stream in it would lose messages.
 */
export async function connectBus({ config, logger }: { config: BusConfig; logger: Logger }): Promise<Bus> {
  const incarnation = randomBytes(9).toString('base64url').replace(/[-_]/g, 'x');
  const lanes: Lane[] = [];
  const stats: BusStats = {
    livePublished: 0,
    liveDropped: 0,
    durablePublished: 0,
    durableStored: 0,
    durableFailed: 0,
    liveReceived: 0,
    durableReceived: 0,
    permissionViolations: 0,
    get reconnects() {
      return lanes.reduce((sum, lane) => sum + lane.reconnects, 0);
    },
  };
  const violations = createViolations(stats, logger);
  const closeLanes = (): Promise<unknown> => Promise.all(lanes.map((lane) => lane.close()));
  try {
    const opening = PURPOSES.map((purpose) => openLane(config, purpose, logger, violations));
    for (const opened of await Promise.allSettled(opening))
      if (opened.status === 'fulfilled') lanes.push(opened.value);
    await Promise.all(opening);
    await checkServer(lanes[0]!.nc, config);
    const wanted = config.provision ?? 'settle';
    if (wanted !== 'none') await provision(lanes[0]!.nc, config, wanted, logger);
  } catch (cause) {
    await closeLanes();
    throw cause;
  }
  const [publishLane, liveLane, feedLane, scanLane] = lanes as [Lane, Lane, Lane, Lane];
  // Not to be guessed from what others are told of this process: who knows it could answer in NATS' place.
  const inbox = `${publishLane.inbox}.${randomBytes(15).toString('hex')}`;

  const publisher = createPublisher(publishLane, inbox, config, stats);
  const live = createLiveFeed(liveLane, logger, stats);
  const requests = createRequests(publishLane, live, logger);
  const reader = createDirectReader(scanLane, inbox);
  const shared = createSharedLog(feedLane, publishLane, inbox, logger);
  const buckets = new Map<BucketName, Bucket>();
  const followers = new Set<Follower>();
  const ends = new Map<StreamName, Promise<number>>();
  const listeners = new Set<(up: boolean) => void>();
  let up = true;

  for (const lane of lanes) {
    lane.onState(() => {
      const now = lanes.every((each) => each.up);
      if (now === up) return;
      up = now;
      for (const listener of [...listeners]) listener(now);
    });
  }

  const bus: Bus = {
    incarnation,
    get up() {
      return up;
    },
    onState(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    publisher,
    live,
    shared,
    stats,
    ...requests,
    ...createStoredMessages(publishLane),
    ...createStreamEdits(publishLane),
    retain: createRetainedWriter(publishLane, publisher),
    storeOnce: (message) => storeOnce(bus, message),
    follow(options) {
      const lane = options.lane === 'scan' ? scanLane : feedLane;
      const inner = createFollower(lane, options, logger, stats);
      const follower: Follower = {
        get pos() {
          return inner.pos;
        },
        ready: inner.ready,
        caughtUp: inner.caughtUp,
        close() {
          followers.delete(follower);
          inner.close();
        },
      };
      followers.add(follower);
      return follower;
    },
    lastPos(stream) {
      let end = ends.get(stream);
      if (end === undefined) {
        // Asked at the end of this turn, for all that ask in it: an answer already under way could be too old.
        end = Promise.resolve().then(async () => {
          ends.delete(stream);
          return readEnd(publishLane, stream);
        });
        ends.set(stream, end);
      }
      return end;
    },
    async read(stream, pos) {
      const answer = await publishLane.nc
        .request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ seq: pos }), { timeout: 5_000 })
        .catch((cause: unknown) => {
          throw new TriviumError('bus.unavailable', `reading ${stream} ${pos}`, { cause });
        });
      const status = answer.headers?.code ?? 0;
      if (status === 404) return undefined;
      if (status !== 0) throw new TriviumError('bus.unavailable', `reading ${stream} ${pos}: ${status}`);
      return { subject: answer.headers!.get('Nats-Subject'), data: answer.data, headers: answer.headers };
    },
    fetch: reader.fetch,
    firstPosAfter: createFirstAfter(publishLane, (stream) => bus.lastPos(stream)),
    bucket(name) {
      let bucket = buckets.get(name);
      if (bucket === undefined)
        buckets.set(name, (bucket = createBucket(name, publishLane, feedLane, publisher, logger)));
      return bucket;
    },
    missing: (names) => missingBuckets(publishLane, names),
    inspect: () => inspect(publishLane, config),
    async close() {
      for (const follower of [...followers]) follower.close();
      const deadline = performance.now() + SETTLE_MS;
      while (publisher.open > 0 && publishLane.up && performance.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 10));
      publisher.close();
      reader.close();
      shared.close();
      if (publishLane.up) await publishLane.nc.flush().catch(() => undefined);
      await closeLanes();
    },
  };
  return bus;
}

async function readEnd(lane: Lane, stream: StreamName): Promise<number> {
  if (!lane.up) throw new TriviumError('bus.unavailable');
  const info = await api<{ state: StreamState }>(lane.nc, `STREAM.INFO.${stream}`).catch((cause: unknown) => {
    throw new TriviumError('bus.unavailable', `the end of ${stream}`, { cause });
  });
  if (info.error)
    throw new TriviumError('bus.unavailable', `the end of ${stream}: ${info.error.description}`);
  return info.state.last_seq;
}
