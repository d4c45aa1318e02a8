import type { BusStats, Follower, FollowOptions } from './bus.ts';
import type { Logger } from './config.ts';
import type { Lane } from './lane.ts';
import { createPushReader } from './push-reader.ts';

/** See {@link Follower}: positions strictly rise, nothing is skipped but what retention took, whatever NATS does. */
export function createFollower(
  lane: Lane,
  options: FollowOptions,
  logger: Logger,
  stats: BusStats,
): Follower {
  let pos = options.after === 'end' ? -1 : options.after;

  const reader = createPushReader({
    lane,
    stream: options.stream,
    logger,
    ...(options.filter === undefined ? {} : { filter: options.filter }),
    start(state) {
      if (pos < 0) pos = state.last_seq;
      if (state.last_seq < pos) {
        logger.error(
          { stream: options.stream, pos, last: state.last_seq },
          'the log ends before what was read of it',
        );
        pos = state.last_seq;
        options.onReset?.(pos);
      }
      if (state.first_seq > pos + 1) {
        const from = pos;
        pos = state.first_seq - 1;
        options.onLost?.(from, state.first_seq);
      }
      return { deliver_policy: 'by_start_sequence', opt_start_seq: pos + 1 };
    },
    onMessage(at, message) {
      if (at <= pos) return;
      pos = at;
      stats.durableReceived++;
      options.onMessage(at, message);
    },
  });

  return {
    get pos() {
      return Math.max(0, pos);
    },
    ready: reader.ready,
    caughtUp: reader.caughtUp,
    close: reader.close,
  };
}
