import { TriviumError } from '@trivium/contracts';
import type { Delivered, Receiver, Subscription } from '@trivium/delivery';
import type { Rights } from '@trivium/identity';
import { createAckWindow } from './ack-window.ts';
import type { Clock } from '@trivium/clock';
import { encodeFrame, errFrame } from './codec.ts';
import type { MessageFrames } from './message-frames.ts';
import type { Outbox } from './outbox.ts';
import type { WsStats } from './stats.ts';

/** The messages on their way to one client: sent while it has room, by its socket and by its acknowledgements. */
export interface Delivering extends Receiver {
  /** Since when it has acknowledged too little for the next durable message; undefined: it has not been so. */
  readonly windowFullSinceMs: number | undefined;
  readonly unacknowledged: number;
  /** What was refused would be taken now. */
  readonly room: boolean;
  /** Everything up to `pos` is handled. */
  acknowledge(pos: number): void;
}

export interface DeliveringOptions {
  client: string;
  outbox: Outbox;
  frames: MessageFrames;
  clock: Clock;
  stats: WsStats;
  /** What it may not receive is passed over. */
  rights: Pick<Rights, 'guarded' | 'mayReceive'>;
  maxUnacknowledged: number;
}

export function createDelivering(options: DeliveringOptions): Delivering {
  const { client, outbox, frames, clock, stats, rights, maxUnacknowledged } = options;
  const window = createAckWindow(maxUnacknowledged);
  let windowFullSinceMs: number | undefined;
  /** A retained message was refused: the window does not hold these up, only the socket. */
  let retainedRefused = false;

  const isNotFor = ({ topic, properties }: Delivered): boolean =>
    (properties?.expiresAt !== undefined && properties.expiresAt <= clock.now()) ||
    (rights.guarded && !rights.mayReceive(topic));

  const send = (message: Delivered, sub: Subscription, kept = false): void => {
    const frame = frames.frame(message, sub, client, kept);
    stats.bytesOut += frame.length;
    outbox.send(frame);
  };

  return {
    id: client,
    get windowFullSinceMs() {
      return windowFullSinceMs;
    },
    get unacknowledged() {
      return window.unacknowledged;
    },
    get room() {
      return outbox.room && (!window.full || retainedRefused);
    },
    onLive(message, sub) {
      if (isNotFor(message)) return;
      if (outbox.room) {
        send(message, sub);
        stats.deliveredLive++;
      } else stats.droppedLive++;
    },
    onDurable(message, sub) {
      if (isNotFor(message)) return true;
      if (window.full || !outbox.room) {
        stats.stalls++;
        if (window.full) windowFullSinceMs ??= clock.now();
        return false;
      }
      send(message, sub);
      window.sent(message.pos);
      stats.deliveredDurable++;
      return true;
    },
    onRetained(message, sub) {
      if (isNotFor(message)) return true;
      retainedRefused = !outbox.room;
      if (retainedRefused) return false;
      send(message, sub, true);
      stats.deliveredRetained++;
      return true;
    },
    onLost(from, first) {
      const lost = `positions ${from + 1} to ${first - 1} are gone: the log does not go back that far`;
      outbox.send(encodeFrame(errFrame(new TriviumError('not-found', lost), undefined)));
    },
    acknowledge(pos) {
      window.acknowledge(pos);
      if (!window.full) windowFullSinceMs = undefined;
    },
  };
}
