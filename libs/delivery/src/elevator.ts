import type { Bus, BusMessage, Follower } from '@trivium/bus';
import type { Client } from './client.ts';
import { DeliveredMessage, topicTokens, wireQos } from './message.ts';
import type { Topics } from './topics.ts';

export interface ElevatorOptions {
  bus: Bus;
  topics: Topics;
  /** Where the live feed stands: a rider that has come this far gets off there. */
  target(): number;
  /** Called in the turn in which the rider is level with the feed. */
  arrived(client: Client): void;
  lost(client: Client, from: number, first: number): void;
}

/**
 * One scan of the log for all clients that are behind. It starts at the lowest position aboard and takes up riders at or above
 * where it stands; one that stands lower waits for the next pass. Riders that have no room get off (`waiting`) and board again.
 */
export interface Elevator {
  board(client: Client): void;
  alight(client: Client): void;
  posOf(client: Client): number;
  readonly riders: number;
  /** Ends the pass and begins another from the riders' own positions. */
  reset(): void;
}

export function createElevator({ bus, topics, target, arrived, lost }: ElevatorOptions): Elevator {
  const aboard = new Set<Client>();
  const next = new Set<Client>();
  const delivered = new DeliveredMessage();
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
        client.pos = Math.max(client.pos, scan.pos);
        aboard.delete(client);
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
      for (let i = 0; i < matches.length; i++) {
        const wish = matches[i]!;
        const { client } = wish;
        if (client.source !== 'scan' || !aboard.has(client)) continue;
        client.take(pos, delivered, wish);
        if (client.source !== 'scan') aboard.delete(client);
      }
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
    scan = bus.follow({
      stream: 'MESSAGES',
      after: lowest,
      lane: 'scan',
      onMessage,
      onLost(from, first) {
        for (const client of aboard) lost(client, from, first);
        queueMicrotask(settle);
      },
    });
  };

  /** All that ask in one turn start together, at the lowest of them. */
  const startSoon = (): void => {
    if (starting || scan !== undefined || next.size === 0) return;
    starting = true;
    setImmediate(start);
  };

  return {
    get riders() {
      return aboard.size + next.size;
    },
    board(client) {
      if (scan !== undefined && client.pos >= scan.pos) aboard.add(client);
      else {
        next.add(client);
        startSoon();
      }
    },
    alight(client) {
      next.delete(client);
      if (!aboard.delete(client)) return;
      if (aboard.size === 0) settle();
    },
    posOf(client) {
      return aboard.has(client) && scan !== undefined ? Math.max(client.pos, scan.pos) : client.pos;
    },
    reset() {
      for (const client of aboard) next.add(client);
      aboard.clear();
      stop();
      startSoon();
    },
  };
}
