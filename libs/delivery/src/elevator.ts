import type { Bus, BusMessage, Follower } from '@trivium/bus';
import { Backlog } from './backlog.ts';
import type { Client } from './client.ts';
import { DeliveredMessage, topicTokens, wireQos } from './message.ts';
import { RecentLog } from './recent-log.ts';
import type { Topics } from './topics.ts';

/**
 * Positions that a rider's backlog keeps: as many as are found in memory again, when there are so few riders that it does not
 * matter, since each pass that begins anew reads much for nothing.
 */
const KEPT_OF_FEW = 8_000;
const FEW = 100;
/** How long a pass waits for those that are expected: less than reading the log once more for them. */
const GATHER_MS = 250;

export interface ElevatorOptions {
  bus: Bus;
  topics: Topics;
  /** Where the live feed stands: a rider that has come this far gets off there. */
  target(): number;
  /** Called in the turn in which the rider is level with the feed. */
  arrived(client: Client): void;
  lost(client: Client, from: number, first: number): void;
  /** The log ends at `last`, below what the scan has read. */
  cut(last: number): void;
  /** Others are about to board, it is not known yet where: a pass waits a little for them. */
  expects(): boolean;
}

/**
 * One scan of the log for all clients that are behind. It starts at the lowest position aboard and takes up riders at or above
 * where it stands; one that stands lower waits for the next pass. A rider without room stays aboard: the scan adds to its backlog
 * what matches, until that keeps no more.
 */
export interface Elevator {
  board(client: Client): void;
  alight(client: Client): void;
  /** Whether a scan that is under way, or about to begin, comes by where the client stands. */
  passes(client: Client): boolean;
  posOf(client: Client): number;
  /** A message that a rider has in its backlog, if it was read a short while ago. */
  find(pos: number): BusMessage | undefined;
  readonly riders: number;
  /** Ends the pass and begins another from the riders' own positions. */
  reset(): void;
  /** Nobody has a backlog: what `find` would give is let go. */
  rest(): void;
  close(): void;
}

export function createElevator(options: ElevatorOptions): Elevator {
  const { bus, topics, target, arrived, lost, cut, expects } = options;
  const aboard = new Set<Client>();
  const next = new Set<Client>();
  const delivered = new DeliveredMessage();
  const recent = new RecentLog(0);
  let scan: Follower | undefined;
  let starting = false;

  const stop = (): void => {
    scan?.close();
    scan = undefined;
  };

  const settle = (): void => {
    if (scan === undefined) return;
    if (scan.pos >= target()) {
      for (const client of aboard) {
        if (client.backlog === undefined) client.pos = Math.max(client.pos, scan.pos);
        aboard.delete(client);
        client.keeps = Backlog.CAPACITY;
        arrived(client);
      }
    }
    if (aboard.size > 0) return;
    stop();
    startSoon();
  };

  const onMessage = (pos: number, message: BusMessage): void => {
    const subject = message.subject;
    const entry = topics.entry(topicTokens(subject));
    const matches = entry === undefined ? [] : topics.matches(entry);
    if (matches.length > 0) {
      delivered.fill(message, entry!, wireQos(subject), pos);
      let wanted = false;
      for (let i = 0; i < matches.length; i++) {
        const wish = matches[i]!;
        const { client } = wish;
        if (client.source !== 'scan' || !aboard.has(client)) continue;
        client.takeBehind(pos, delivered, wish);
        if (client.backlog !== undefined) wanted = true;
        // It has left, or its backlog keeps no more: from there it boards again.
        if (hasLeft(client)) aboard.delete(client);
      }
      if (wanted) recent.push(pos, message);
    }
    if (aboard.size === 0 || pos >= target()) settle();
  };

  const start = (): void => {
    starting = false;
    if (scan !== undefined || next.size === 0) return;
    let lowest = Infinity;
    for (const client of next) {
      lowest = Math.min(lowest, client.pos);
      aboard.add(client);
    }
    next.clear();
    recent.clear(lowest);
    const mine = bus.follow({
      stream: 'MESSAGES',
      after: lowest,
      lane: 'scan',
      onMessage(pos, message) {
        // What is still on its way from a pass that has ended.
        if (scan === mine) onMessage(pos, message);
      },
      onLost(from, first) {
        if (scan !== mine) return;
        for (const client of aboard) lost(client, from, first);
        queueMicrotask(settle);
      },
      onReset: cut,
    });
    scan = mine;
  };

  /** All that ask in one turn start together, at the lowest of them. */
  const startSoon = (): void => {
    if (starting || scan !== undefined || next.size === 0) return;
    starting = true;
    if (expects()) setTimeout(start, GATHER_MS);
    else setImmediate(start);
  };

  return {
    get riders() {
      return aboard.size + next.size;
    },
    board(client) {
      client.keeps = aboard.size + next.size < FEW ? KEPT_OF_FEW : Backlog.CAPACITY;
      if (scan !== undefined && client.pos >= scan.pos) aboard.add(client);
      else {
        next.add(client);
        startSoon();
      }
    },
    alight(client) {
      next.delete(client);
      client.keeps = Backlog.CAPACITY;
      if (!aboard.delete(client)) return;
      if (aboard.size === 0) settle();
    },
    passes(client) {
      if (scan !== undefined) return client.pos >= scan.pos;
      for (const { pos } of next) if (pos <= client.pos) return true;
      return false;
    },
    posOf(client) {
      return aboard.has(client) && scan !== undefined ? Math.max(client.pos, scan.pos) : client.pos;
    },
    find: (pos) => recent.find(pos),
    reset() {
      for (const client of aboard) next.add(client);
      aboard.clear();
      recent.clear(0);
      stop();
      startSoon();
    },
    rest() {
      if (scan === undefined) recent.clear(0);
    },
    close() {
      next.clear();
      aboard.clear();
      stop();
    },
  };
}

const hasLeft = (client: Client): boolean => client.source !== 'scan';
