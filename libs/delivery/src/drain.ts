import type { Bus, FetchedMessage } from '@trivium/bus';
import type { Client } from './client.ts';
import { DeliveredMessage, topicTokens, wireQos } from './message.ts';
import type { Topics } from './topics.ts';

/** Messages that are read by position at once, for all clients of the door. */
const IN_FLIGHT = 512;
/** Of those, for one client: as many as it took last time, between these. */
const FIRST_APPETITE = 16;
const MAX_APPETITE = 128;
const RETRY_MS = 200;

export interface DrainOptions {
  bus: Bus;
  topics: Topics;
  /** A message that is in memory. */
  find(pos: number): FetchedMessage | undefined;
  /** Called in the turn in which the client's backlog has nothing left. */
  finished(client: Client): void;
  /** The log has so many messages of the client's backlog, above `from` and below `first`, no more. */
  lost(client: Client, count: number, from: number, first: number): void;
}

/** Gives clients their backlogs: each in order and in its own pace, from memory or by reading the positions. */
export interface Drain {
  /** The client has a backlog, and room. */
  go(client: Client): void;
  /** It has left its source, or its backlog is another one. */
  stop(client: Client): void;
  /** Positions are given out anew: what was read counts no more. */
  reset(): void;
  /** Positions that its clients had before them when they began. */
  readonly queued: number;
  /** Clients with a backlog that were given some of it. */
  readonly size: number;
  close(): void;
}

const GONE = Symbol('gone');

interface Work {
  readonly client: Client;
  /** Positions when it began. */
  readonly size: number;
  /** Read, and not given yet: what lies before it is still on its way. */
  readonly fetched: Map<number, FetchedMessage | typeof GONE>;
  /** All kept positions up to here are asked for. */
  asked: number;
  /** Positions that it waits for. */
  readonly open: Set<number>;
  appetite: number;
  /** Given since the client last had no room. */
  given: number;
  busy: boolean;
  /** The last given positions, when the log has them no more. */
  gone: { count: number; from: number; through: number } | undefined;
}

export function createDrain({ bus, topics, find, finished, lost }: DrainOptions): Drain {
  const works = new Map<Client, Work>();
  const hungry = new Set<Work>();
  /** Who waits for a position: those that are behind together ask for the same ones. */
  const asking = new Map<number, Work[]>();
  const delivered = new DeliveredMessage();
  let retry: NodeJS.Timeout | undefined;
  const stalled = new Set<Work>();

  let queued = 0;

  const remove = (work: Work): void => {
    queued -= work.size;
    works.delete(work.client);
  };

  const isCurrent = (work: Work): boolean => works.get(work.client) === work;

  const ask = (work: Work): void => {
    const backlog = work.client.backlog!;
    while (asking.size < IN_FLIGHT) {
      const pos = backlog.next(work.asked);
      // The first one is asked for whatever else is on its way: nothing is given before it.
      if (work.open.size + work.fetched.size >= work.appetite && pos !== backlog.first) return;
      // From there on it is in memory, as long as it stays there.
      if (pos === undefined || find(pos) !== undefined) return;
      work.asked = pos;
      if (work.fetched.has(pos) || work.open.has(pos)) continue;
      const waiters = asking.get(pos);
      if (waiters === undefined) {
        asking.set(pos, [work]);
        bus.fetch('MESSAGES', pos, sink, pos);
      } else waiters.push(work);
      work.open.add(pos);
    }
    if (asking.size >= IN_FLIGHT && work.open.size === 0) hungry.add(work);
  };

  const feed = (): void => {
    // Many in one write: they come back in as few reads.
    if (asking.size > IN_FLIGHT / 2) return;
    while (asking.size < IN_FLIGHT) {
      const [work] = hungry;
      if (work === undefined) return;
      hungry.delete(work);
      if (isCurrent(work) && !work.client.waiting) ask(work);
    }
  };

  const sink = {
    fetched(pos: number, message: FetchedMessage | undefined) {
      const waiters = asking.get(pos)!;
      asking.delete(pos);
      for (const work of waiters) {
        work.open.delete(pos);
        if (!isCurrent(work)) continue;
        if (!work.client.waiting) work.fetched.set(pos, message ?? GONE);
        pump(work);
      }
      feed();
    },
    failed(pos: number) {
      const waiters = asking.get(pos)!;
      asking.delete(pos);
      for (const work of waiters) {
        work.open.delete(pos);
        work.asked = Math.min(work.asked, pos - 1);
        stalled.add(work);
      }
      retry ??= setTimeout(again, RETRY_MS);
    },
  };

  const again = (): void => {
    retry = undefined;
    const works = [...stalled];
    stalled.clear();
    for (const work of works) if (isCurrent(work)) pump(work);
    feed();
  };

  const tellGone = (work: Work): void => {
    const { gone, client } = work;
    if (gone === undefined) return;
    work.gone = undefined;
    lost(client, gone.count, gone.from, gone.through + 1);
  };

  /** False: no room. */
  const give = (work: Work, pos: number, message: FetchedMessage | typeof GONE): boolean => {
    const { client } = work;
    if (message === GONE) {
      const { count, from } = work.gone ?? { count: 0, from: client.pos };
      work.gone = { count: count + 1, from, through: pos };
      client.done(pos);
      return true;
    }
    tellGone(work);
    const subject = message.subject;
    const entry = topics.entry(topicTokens(subject));
    const wish = entry && topics.best(entry, client);
    if (wish === undefined) client.done(pos);
    else if (!client.give(pos, delivered.fill(message, entry!, wireQos(subject), pos), wish)) return false;
    work.given++;
    return true;
  };

  const pump = (work: Work): void => {
    if (work.busy) return;
    work.busy = true;
    const { client } = work;
    while (isCurrent(work) && !client.waiting) {
      const pos = client.backlog!.first;
      if (pos === undefined) {
        remove(work);
        tellGone(work);
        finished(client);
        break;
      }
      const message = work.fetched.get(pos) ?? find(pos);
      if (message === undefined) {
        for (const at of work.fetched.keys()) if (at < pos) work.fetched.delete(at);
        if (pos > work.asked || work.open.size === 0) {
          work.asked = pos - 1;
          hungry.add(work);
        }
        break;
      }
      work.fetched.delete(pos);
      if (give(work, pos, message)) continue;
      work.appetite = Math.min(Math.max(work.given, 1), MAX_APPETITE);
      work.given = 0;
      work.fetched.clear();
      work.asked = client.pos;
    }
    if (work.given >= work.appetite) work.appetite = Math.min(work.appetite * 2, MAX_APPETITE);
    if (isCurrent(work) && !client.waiting && (work.open.size + work.fetched.size) * 2 <= work.appetite)
      hungry.add(work);
    work.busy = false;
    feed();
  };

  return {
    get queued() {
      return queued;
    },
    get size() {
      return works.size;
    },
    go(client) {
      let work = works.get(client);
      if (work === undefined) {
        work = {
          client,
          size: client.backlog!.kept,
          fetched: new Map(),
          asked: client.pos,
          open: new Set(),
          appetite: FIRST_APPETITE,
          given: 0,
          busy: false,
          gone: undefined,
        };
        queued += work.size;
        works.set(client, work);
      }
      pump(work);
    },
    stop(client) {
      const work = works.get(client);
      if (work !== undefined) remove(work);
    },
    reset() {
      for (const work of works.values()) {
        work.fetched.clear();
        work.asked = work.client.pos;
      }
    },
    close() {
      clearTimeout(retry);
      works.clear();
    },
  };
}
