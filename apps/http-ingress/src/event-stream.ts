import type { ServerResponse } from 'node:http';
import type { Attachment, Delivered, Receiver, Subscription } from '@trivium/delivery';
import type { Rights } from '@trivium/identity';
import type { Clock } from '@trivium/clock';
import type { HttpConfig } from './config.ts';
import { heartbeat, namedEvent, type EventFrames } from './event-frames.ts';
import type { HttpStats } from './stats.ts';
import type { WriteTurn } from './write-turn.ts';

/** What all streams of a door share. */
export interface Surroundings {
  frames: EventFrames;
  turn: WriteTurn;
  clock: Clock;
  stats: HttpStats;
  config: Pick<HttpConfig, 'maxOutputBytes' | 'slowTimeoutMs' | 'heartbeatMs' | 'retryMs'>;
}

/** One reader of Server-Sent Events. */
export interface EventStream {
  /** Takes part in delivery from the beginning: what comes before `open` is refused or dropped. */
  readonly receiver: Receiver;
  /** Its filters are active: answers the request, and from here on events leave. */
  open(attachment: Attachment, headers: Record<string, string>): void;
  /** A turn of the door's clock. */
  tick(nowMs: number): void;
  /** Ends the response after telling the client when to come back. */
  end(retryMs: number): void;
}

/**
 * A stream into `response`, which is not begun before `open`. Live messages are dropped while there is no room, durable ones stay in
 * the log until there is; what the reader may not receive is passed over. `client`: who reads, for traces.
 */
export function createEventStream(
  response: ServerResponse,
  client: string | undefined,
  rights: Rights,
  { frames, turn, clock, stats, config }: Surroundings,
): EventStream {
  let attachment: Attachment | undefined;
  let fullSinceMs: number | undefined;
  /** Since when it has been told that it reads too slowly. */
  let leavingSinceMs: number | undefined;
  let dropped = 0;
  /** It was to end before it had begun. */
  let endAsked: number | undefined;
  /** Events that arose before the response had begun. */
  let early = '';
  let writtenAtMs = clock.now();
  /** The last position that the client was told. */
  let told = 0;

  const write = (event: string | Buffer): void => {
    turn.gather(response);
    writtenAtMs = clock.now();
    if (fullSinceMs !== undefined || response.writableLength + event.length < config.maxOutputBytes) {
      response.write(event);
    } else {
      fullSinceMs = writtenAtMs;
      response.write(event, onFlushed);
    }
  };

  /** What had filled it has left. (`drain` does not do: a response that was corked does not always emit it.) */
  const onFlushed = (error?: Error | null): void => {
    if (error || leavingSinceMs !== undefined) return;
    fullSinceMs = undefined;
    if (dropped > 0) write(namedEvent('dropped', { live: dropped }));
    dropped = 0;
    attachment?.resume();
  };

  const send = (message: Delivered, sub: Subscription, kept = false): void => {
    const event = frames.message(message, sub, client, kept);
    stats.bytesOut += event.length;
    write(event);
  };

  const isNotFor = ({ topic, properties }: Delivered): boolean =>
    (properties?.expiresAt !== undefined && properties.expiresAt <= clock.now()) ||
    (rights.guarded && !rights.mayReceive(topic));

  const end = (retryMs: number): void => {
    endAsked = retryMs;
    if (attachment === undefined) return;
    attachment.detach();
    turn.release(response);
    response.end(`retry: ${Math.round(retryMs)}\n\n`);
  };

  return {
    receiver: {
      id: client ?? 'http',
      onLive(message, sub) {
        if (isNotFor(message)) return;
        if (attachment !== undefined && fullSinceMs === undefined) {
          stats.deliveredLive++;
          return send(message, sub);
        }
        stats.droppedLive++;
        dropped++;
      },
      onDurable(message, sub) {
        if (isNotFor(message)) return true;
        if (attachment === undefined || fullSinceMs !== undefined) {
          stats.stalls++;
          return false;
        }
        stats.deliveredDurable++;
        send(message, sub);
        told = message.pos;
        return true;
      },
      onRetained(message, sub) {
        if (isNotFor(message)) return true;
        if (attachment === undefined || fullSinceMs !== undefined) return false;
        stats.deliveredRetained++;
        send(message, sub, true);
        return true;
      },
      onLost(from, first) {
        const event = namedEvent('lost', { from: from + 1, to: first - 1 });
        if (attachment === undefined) early += event;
        else write(event);
      },
    },
    open(opened, headers) {
      response.writeHead(200, {
        ...headers,
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
      });
      attachment = opened;
      told = opened.pos;
      write(`: connected\nretry: ${config.retryMs}\n${told === 0 ? '' : `id: ${told}\n`}\n${early}`);
      opened.resume();
      if (endAsked !== undefined) end(endAsked);
    },
    tick(nowMs) {
      if (leavingSinceMs !== undefined) {
        if (nowMs - leavingSinceMs >= config.slowTimeoutMs) response.destroy();
      } else if (!rights.holds(nowMs)) {
        stats.streamsRevoked++;
        leavingSinceMs = nowMs;
        write(namedEvent('denied', { code: 'auth.denied', message: 'you may not read this any more' }));
        end(config.retryMs);
      } else if (fullSinceMs !== undefined) {
        if (nowMs - fullSinceMs < config.slowTimeoutMs) return;
        stats.slowStreams++;
        leavingSinceMs = nowMs;
        const message = `nothing was read for ${config.slowTimeoutMs} ms`;
        write(namedEvent('slow', { code: 'slow-consumer', message, dropped }));
        end(config.retryMs);
      } else if (attachment !== undefined && nowMs - writtenAtMs >= config.heartbeatMs) {
        const pos = attachment.pos;
        write(heartbeat(pos > told ? pos : undefined));
        told = pos;
      }
    },
    end,
  };
}
