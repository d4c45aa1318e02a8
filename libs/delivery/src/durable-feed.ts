import type { Bus, BusMessage, Follower } from '@trivium/bus';
import type { Logger } from '@trivium/bus';
import type { Client } from './client.ts';
import { createElevator } from './elevator.ts';
import { DeliveredMessage, topicTokens, wireQos } from './message.ts';
import { RecentLog } from './recent-log.ts';
import type { Topics } from './topics.ts';

/** The feed stays open this long after its last client went, so that one that comes back does not pay for a new consumer. */
const LINGER_MS = 10_000;

/** The door's reader of the log: open only while a client here needs it (rule 8), one consumer for all of them. */
export interface DurableFeed {
  /** Last position the feed has considered; undefined while it is closed. */
  readonly pos: number | undefined;
  /** Binds a client whose `pos` says where it stands to the feed, by way of the recent log or a scan when it is behind. */
  join(client: Client): void;
  leave(client: Client): void;
  readonly catchingUp: number;
  /** Where the client stands now: its own position, or that of the source it rides. */
  posOf(client: Client): number;
  lostToRetention: number;
  close(): void;
}

export function createDurableFeed(
  bus: Bus,
  topics: Topics,
  clients: Set<Client>,
  logger: Logger,
): DurableFeed {
  const delivered = new DeliveredMessage();
  let follower: Follower | undefined;
  let recent = new RecentLog(0);
  let users = 0;
  let lingering: NodeJS.Timeout | undefined;

  const onMessage = (pos: number, message: BusMessage): void => {
    recent.push(pos, message);
    const subject = message.subject;
    const entry = topics.entry(topicTokens(subject));
    if (entry === undefined) return;
    const matches = topics.matches(entry);
    if (matches.length === 0) return;
    delivered.fill(message, entry, wireQos(subject), pos);
    if (delivered.retain) entry.retainedPos = pos;
    for (let i = 0; i < matches.length; i++) {
      const wish = matches[i]!;
      if (wish.client.source === 'feed') wish.client.take(pos, delivered, wish);
    }
  };

  const open = (after: number): void => {
    recent = new RecentLog(after);
    follower = bus.follow({
      stream: 'MESSAGES',
      after,
      onMessage,
      onLost(from, first) {
        recent.clear(first - 1);
        for (const client of clients) if (client.source === 'feed') lost(client, from, first);
      },
      onReset(last) {
        recent.clear(last);
        elevator.reset();
        for (const client of clients) {
          client.pos = Math.min(client.pos, last);
          for (const wish of client.wishes.values()) {
            wish.from = Math.min(wish.from, last);
            wish.start = Math.min(wish.start, last);
          }
        }
      },
    });
    logger.debug({ after }, 'durable feed opened');
  };

  const lost = (client: Client, from: number, first: number): void => {
    if (client.pos >= first - 1) return;
    feed.lostToRetention += first - 1 - Math.max(from, client.pos);
    client.receiver.onLost?.(Math.max(from, client.pos), first);
    client.pos = first - 1;
  };

  const elevator = createElevator({
    bus,
    topics,
    lost,
    target: () => follower?.pos ?? 0,
    arrived(client) {
      client.source = 'feed';
    },
  });

  /** From memory: true when it stands where the feed stands. */
  const replayRecent = (client: Client): boolean => {
    const replayed = new DeliveredMessage();
    recent.replay(client.pos, (pos, message) => {
      const subject = message.subject;
      const entry = topics.entry(topicTokens(subject));
      const wish = entry && topics.best(entry, client);
      if (wish !== undefined) client.take(pos, replayed.fill(message, entry!, wireQos(subject), pos), wish);
      if (client.source === 'waiting' || client.detached) return false;
      client.pos = Math.max(client.pos, pos);
      return true;
    });
    return client.source !== 'waiting';
  };

  const feed: DurableFeed = {
    get pos() {
      return follower?.pos;
    },
    lostToRetention: 0,
    get catchingUp() {
      return elevator.riders;
    },
    posOf(client) {
      if (client.source === 'feed') return Math.max(client.pos, follower?.pos ?? 0);
      return client.source === 'scan' ? elevator.posOf(client) : client.pos;
    },
    join(client) {
      if (client.source === 'none') {
        users++;
        clearTimeout(lingering);
      }
      if (follower === undefined) open(client.pos);
      if (client.pos >= follower!.pos) {
        client.source = 'feed';
      } else if (recent.covers(client.pos)) {
        client.source = 'scan';
        if (replayRecent(client) && !client.detached) client.source = 'feed';
      } else {
        client.source = 'scan';
        elevator.board(client);
      }
    },
    leave(client) {
      if (client.source === 'none') return;
      client.pos = feed.posOf(client);
      if (client.source === 'scan') elevator.alight(client);
      client.source = 'none';
      if (--users > 0) return;
      lingering = setTimeout(() => {
        follower?.close();
        follower = undefined;
        recent.clear(0);
      }, LINGER_MS);
      lingering.unref();
    },
    close() {
      clearTimeout(lingering);
      elevator.reset();
      follower?.close();
      follower = undefined;
    },
  };
  return feed;
}
