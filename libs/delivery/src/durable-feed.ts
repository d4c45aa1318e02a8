import type { Bus, BusMessage, Follower, Logger } from '@trivium/bus';
import type { Client } from './client.ts';
import { createDrain } from './drain.ts';
import { createElevator } from './elevator.ts';
import { askIndex, knownBacklog } from './index-question.ts';
import { DeliveredMessage, topicTokens, wireQos } from './message.ts';
import type { KnownPositions } from './receiver.ts';
import { RecentLog } from './recent-log.ts';
import type { Topics } from './topics.ts';

/** The feed stays open this long after its last client went, so that one that comes back does not pay for a new consumer. */
const LINGER_MS = 10_000;
/** What is no further behind than this is read rather than asked for: it takes less than a tenth of a second. */
const SHORT_WAY = 20_000;
/** A read by position costs about as much as so many messages of a scan, which all that are behind share. */
const READ_COSTS = 3;
/** A question is open for so few messages of the log each: a crowd has come back, and rides the scan that it is sure to need. */
const WORTH_OF_A_QUESTION = 1_000;

/** The door's reader of the log: open only while a client here needs it (rule 8), one consumer for all of them. */
export interface DurableFeed {
  /** Last position the feed has considered; undefined while it is closed. */
  readonly pos: number | undefined;
  /**
   * Binds a client whose `pos` says where it stands to the feed, by way of the recent log, the position index or a scan when it is
   * behind. `end`: where the log ends, or ended a moment ago.
   */
  join(client: Client, end: number): void;
  leave(client: Client): void;
  /** The client has room again. */
  resume(client: Client): void;
  /** Where the client stands now: its own position, or that of the source it rides. */
  posOf(client: Client): number;
  /** What its source has considered for it, be it still in its backlog. */
  reachOf(client: Client): number;
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
  /** Questions to the index without an answer yet. */
  let asking = 0;
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
      else if (wish.client.counting) wish.client.count(pos, delivered, wish);
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
        topics.cut(last);
        for (const client of clients) client.cut(last);
        drain.reset();
        elevator.reset();
      },
    });
    logger.debug({ after }, 'durable feed opened');
  };

  const lost = (client: Client, from: number, first: number): void => {
    if (client.pos >= first - 1) return;
    // What is in its backlog lies below `from`, and is gone with it.
    const above = client.backlog === undefined ? Math.max(from, client.pos) : client.pos;
    client.done(first - 1);
    tellLost(client, first - 1 - above, above, first);
  };

  const tellLost = (client: Client, count: number, from: number, first: number): void => {
    feed.lostToRetention += count;
    client.receiver.onLost?.(from, first);
  };

  const elevator = createElevator({
    bus,
    topics,
    lost,
    target: () => follower?.pos ?? 0,
    arrived(client) {
      client.source = 'feed';
      if (client.backlog === undefined) client.unqueue();
    },
    cut(last) {
      for (const client of clients) if (client.source !== 'feed') client.cut(last);
      drain.reset();
      elevator.reset();
    },
    expects: () => asking > 0,
  });

  const drain = createDrain({
    bus,
    topics,
    find: (pos) => recent.find(pos) ?? elevator.find(pos),
    lost: tellLost,
    finished(client) {
      const through = client.backlog!.through;
      client.unqueue();
      if (client.source === 'list') {
        client.done(through!);
        catchUp(client);
      }
      if (drain.size === 0) elevator.rest();
    },
  });

  /** The feed takes it over: it is given what it lacks from memory, or its backlog gets it. */
  const takeOver = (client: Client, through: number): void => {
    client.source = 'feed';
    const { binding } = client;
    const replayed = new DeliveredMessage();
    recent.replay(through, (pos, message) => {
      const subject = message.subject;
      const entry = topics.entry(topicTokens(subject));
      const wish = entry && topics.best(entry, client);
      if (wish !== undefined)
        client.takeBehind(pos, replayed.fill(message, entry!, wireQos(subject), pos), wish);
      return client.binding === binding && client.source === 'feed';
    });
    if (client.live) client.unqueue();
  };

  const reaches = (through: number): boolean => through >= follower!.pos || recent.covers(through);

  const catchUp = (client: Client): void => {
    if (follower === undefined) return;
    if (reaches(client.pos)) return takeOver(client, client.pos);
    client.source = 'scan';
    elevator.board(client);
  };

  /**
   * Many have come back at once: one scan for all of them is less work than to read what each one wants. Those whose question is open
   * are taken to want as much; and who can ride a scan that is under way costs nothing there.
   */
  const isDear = (client: Client, positions: number): boolean =>
    elevator.passes(client) ||
    (drain.queued + positions * (1 + asking)) * READ_COSTS > follower!.pos - client.pos;

  const useAnswer = (client: Client, known: KnownPositions | undefined, upTo: number): void => {
    if (known?.dropped !== undefined && known.dropped.pos > client.pos) client.drop(known.dropped);
    // Filters that came since began above `upTo`: the index does not know them.
    const found = known && knownBacklog(known, client.pos, Math.min(upTo, follower!.pos));
    if (found === undefined || isDear(client, found.backlog.kept)) return catchUp(client);
    const { backlog, through } = found;
    client.source = reaches(through) ? 'feed' : 'list';
    client.queue(backlog);
    if (client.source === 'feed') takeOver(client, through);
    else backlog.close(through);
    drain.go(client);
  };

  const question = async (client: Client, ask: NonNullable<Client['ask']>): Promise<void> => {
    client.source = 'asking';
    const { binding, pos } = client;
    const upTo = follower!.pos;
    asking++;
    const known = await askIndex(ask, pos, upTo);
    asking--;
    if (client.binding === binding && follower !== undefined) useAnswer(client, known, upTo);
  };

  const feed: DurableFeed = {
    get pos() {
      return follower?.pos;
    },
    lostToRetention: 0,
    posOf(client) {
      if (client.backlog !== undefined) return client.pos;
      return feed.reachOf(client);
    },
    reachOf(client) {
      if (client.source === 'feed') return Math.max(client.pos, follower?.pos ?? 0);
      return client.source === 'scan' ? elevator.posOf(client) : client.pos;
    },
    join(client, end) {
      if (client.source === 'none') {
        users++;
        clearTimeout(lingering);
      }
      const { ask } = client;
      client.ask = undefined;
      // One that is far behind must not make the others wait for what it has missed.
      if (follower === undefined) open(end - client.pos > SHORT_WAY ? end : client.pos);
      const isFar = follower!.pos - client.pos > SHORT_WAY && !recent.covers(client.pos);
      const isCrowd = asking * WORTH_OF_A_QUESTION > follower!.pos - client.pos;
      if (ask !== undefined && isFar && !isCrowd) void question(client, ask);
      else catchUp(client);
    },
    leave(client) {
      if (client.source === 'none') return;
      const { source } = client;
      client.unbind(feed.posOf(client));
      drain.stop(client);
      if (source === 'scan') elevator.alight(client);
      if (--users > 0) return;
      lingering = setTimeout(() => {
        follower?.close();
        follower = undefined;
        recent.clear(0);
      }, LINGER_MS);
      lingering.unref();
    },
    resume(client) {
      if (!client.waiting) return;
      client.waiting = false;
      drain.go(client);
    },
    close() {
      clearTimeout(lingering);
      elevator.close();
      drain.close();
      follower?.close();
      follower = undefined;
    },
  };
  return feed;
}
