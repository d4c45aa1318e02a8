import type { Bus, BusMessage, Follower, Logger } from '@trivium/bus';
import type { StreamName } from '@trivium/contracts';
import type { Clock } from './clock.ts';

/** A reading of the log; `pos` is the last position considered. */
export interface Feed {
  readonly pos: number;
}

/** Something that wants every message of the log above `after`, once and in order. Bound to one feed at a time. */
export interface Rider {
  feed: Feed | undefined;
  after: number;
}

export interface LogReaderOptions {
  bus: Bus;
  stream: StreamName;
  clock: Clock;
  logger: Logger;
  /** For those riders whose `feed` is this one and whose `after` is below `pos`; the others have had it, or get it from another feed. */
  onMessage(feed: Feed, pos: number, message: BusMessage): void;
  /** Positions (from, first) were dropped by retention before they were read. */
  onLost(from: number, first: number): void;
  /** The log lost its end in a crash of NATS: positions above `last` are given out again. */
  onReset(last: number): void;
}

/**
 * One reading of a log for all riders. Riders that join from further back are brought up by a reading of their own, and change over
 * in the turn in which it reaches the common one: a rider drops what is not above its `after`, so there is no gap and no repeat.
 */
export interface LogReader {
  add(riders: readonly Rider[]): void;
  remove(rider: Rider): void;
  /** Stops the reading until `resume`, which goes on where it stopped: nothing is buffered meanwhile. */
  pause(): void;
  resume(): void;
  /** Resolves when the riders have been offered everything stored up to now, or are no longer bound. */
  caughtUp(riders: readonly Rider[]): Promise<void>;
  /** Positions of the log that the furthest reading back has yet to consider, by the last look. */
  readonly lag: number;
  close(): void;
}

const LAG_LOOK_MS = 2_000;

interface Reading extends Feed {
  pos: number;
  readonly riders: Set<Rider>;
  follower: Follower | undefined;
}

interface Waiter {
  riders: readonly Rider[];
  target: number;
  done(): void;
}

export function createLogReader(options: LogReaderOptions): LogReader {
  const { bus, stream, clock, logger } = options;
  let common: Reading | undefined;
  const scans = new Set<Reading>();
  const waiters = new Set<Waiter>();
  let paused = false;
  let closed = false;
  let lag = 0;

  const moved = (): void => {
    if (scans.size > 0) join();
    if (waiters.size > 0) wake();
  };

  const follow = (reading: Reading): void => {
    const follower: Follower = bus.follow({
      stream,
      after: reading.pos,
      lane: reading === common ? 'feed' : 'scan',
      onMessage(pos, message) {
        if (reading.follower !== follower) return;
        reading.pos = pos;
        options.onMessage(reading, pos, message);
        moved();
      },
      onLost(from, first) {
        if (reading.follower !== follower) return;
        reading.pos = first - 1;
        options.onLost(from, first);
        moved();
      },
      onReset(last) {
        if (reading.follower !== follower) return;
        reading.pos = last;
        options.onReset(last);
      },
    });
    reading.follower = follower;
  };

  const start = (riders: readonly Rider[]): Reading => {
    const pos = Math.min(...riders.map((rider) => rider.after));
    const reading: Reading = { pos, riders: new Set(riders), follower: undefined };
    for (const rider of riders) rider.feed = reading;
    return reading;
  };

  const stop = (reading: Reading): void => {
    const { follower } = reading;
    reading.follower = undefined;
    follower?.close();
  };

  const join = (): void => {
    for (const scan of scans) {
      if (common === undefined || scan.pos < common.pos) continue;
      scans.delete(scan);
      stop(scan);
      for (const rider of scan.riders) {
        rider.after = Math.max(rider.after, scan.pos);
        rider.feed = common;
        common.riders.add(rider);
      }
      logger.debug({ stream, pos: scan.pos }, 'caught up with the log');
    }
  };

  const offered = (rider: Rider): number =>
    rider.feed === undefined ? Infinity : Math.max(rider.after, rider.feed.pos);

  const wake = (): void => {
    for (const waiter of waiters) {
      if (waiter.riders.some((rider) => offered(rider) < waiter.target)) continue;
      waiters.delete(waiter);
      waiter.done();
    }
  };

  const look = async (): Promise<void> => {
    if (common === undefined || !bus.up) return;
    const last = await bus.lastPos(stream);
    const furthest = Math.min(...[...scans, common].map((reading) => reading.pos));
    lag = Math.max(0, last - furthest);
  };

  const tick = (): void => {
    look()
      .catch((err: unknown) => logger.debug({ stream, err }, 'could not look at the end of the log'))
      .finally(() => {
        if (!closed) cancelTick = clock.after(LAG_LOOK_MS, tick);
      });
  };
  let cancelTick = clock.after(LAG_LOOK_MS, tick);

  return {
    add(riders) {
      if (riders.length === 0 || closed) return;
      if (common === undefined) {
        common = start(riders);
        if (!paused) follow(common);
        return;
      }
      const { pos } = common;
      const behind: Rider[] = [];
      for (const rider of riders) {
        if (rider.after < pos) {
          behind.push(rider);
          continue;
        }
        rider.feed = common;
        common.riders.add(rider);
      }
      if (behind.length === 0) return;
      const scan = start(behind);
      scans.add(scan);
      if (!paused) follow(scan);
    },
    remove(rider) {
      const reading = rider.feed as Reading | undefined;
      if (reading === undefined) return;
      rider.feed = undefined;
      rider.after = Math.max(rider.after, reading.pos);
      reading.riders.delete(rider);
      if (reading.riders.size === 0 && scans.delete(reading)) stop(reading);
      if (common !== undefined && common.riders.size === 0 && scans.size === 0) {
        stop(common);
        common = undefined;
      }
      wake();
    },
    pause() {
      if (paused) return;
      paused = true;
      for (const scan of scans) stop(scan);
      if (common !== undefined) stop(common);
    },
    resume() {
      if (!paused) return;
      paused = false;
      for (const scan of scans) follow(scan);
      if (common !== undefined) follow(common);
    },
    async caughtUp(riders) {
      const target = await bus.lastPos(stream);
      await new Promise<void>((done) => {
        waiters.add({ riders, target, done });
        wake();
      });
    },
    get lag() {
      return lag;
    },
    close() {
      closed = true;
      cancelTick();
      for (const scan of scans) stop(scan);
      if (common !== undefined) stop(common);
      scans.clear();
      common = undefined;
    },
  };
}
