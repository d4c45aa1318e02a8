import type { PositionAnswer } from '@trivium/contracts';
import { FilterTrie } from '@trivium/delivery';
import { PositionQueue, type SessionLimits } from './position-queue.ts';
import { RecentTopics } from './recent-topics.ts';
import type { Sleep } from './session-view.ts';
import {
  createSleeper,
  offer,
  readUpTo,
  sameFilters,
  type IndexedPartition,
  type PartitionReading,
  type Sleeper,
  type Wish,
} from './sleeper.ts';
import { WantedTopics, type WantedTopic } from './wanted-topics.ts';

/** What a checkpoint knows of a session: its queue up to the checkpoint's position, covered from `from` on. */
export interface KnownSleep {
  readonly from: number;
  readonly queue: PositionQueue;
}

export interface SleepIndexOptions {
  limits: SessionLimits;
  /** Positions kept of one session; beyond them its messages are only counted. */
  keep?: number;
  /** Messages remembered, for sessions whose cursor lies a little below where the reading is. */
  recent?: number;
}

const RECENT = 65_536;
/** Positions that sessions going to sleep together may take from the recent messages; with more, they are covered from now on only. */
const MAX_REPLAYED = 1_000_000;
/** Sessions tidied up in one turn of the event loop. */
const AT_ONCE = 500;

/**
 * The position index (rule 7): for each sleeping session of the partitions that are open, which messages of the log match its filters.
 * Pure: `consider` is called with every message of the readings that the partitions are bound to.
 */
export class SleepIndex {
  readonly #limits: SessionLimits;
  readonly #keep: number | undefined;
  #topics = new WantedTopics();
  /** Of closed partitions: nothing is for them any more. */
  #leaving: Sleeper[] = [];
  readonly #recent: RecentTopics<WantedTopic>;
  readonly #partitions = new Map<number, IndexedPartition>();
  /** Sessions that go to sleep, to be added together. */
  readonly #joining = new Map<string, { partition: IndexedPartition; sleep: Sleep }>();
  /** Messages that limits took. */
  dropped = 0;

  constructor({ limits, keep, recent = RECENT }: SleepIndexOptions) {
    this.#limits = limits;
    this.#keep = keep;
    this.#recent = new RecentTopics(recent);
  }

  partition(partition: number): IndexedPartition | undefined {
    return this.#partitions.get(partition);
  }

  get partitions(): ReadonlyMap<number, IndexedPartition> {
    return this.#partitions;
  }

  /** Sessions may be added to these partitions; their readings begin later. */
  open(readings: ReadonlyMap<number, PartitionReading>): void {
    for (const [partition, reading] of readings) {
      this.close(partition);
      this.#partitions.set(partition, { reading, sleepers: new Map(), changed: true });
    }
  }

  /** Readings begin, the lowest above `after`. */
  begin(after: number): void {
    // One that is bound already goes on where the recent messages end.
    const bound = [...this.#partitions.values()].some(({ reading }) => reading.feed !== undefined);
    if (!bound) this.#recent.reset(after);
  }

  /** The log has lost its end: what was remembered of it is not true any more. Close all partitions. */
  reset(last: number): void {
    this.#recent.reset(last);
  }

  close(partition: number): void {
    const closing = this.#partitions.get(partition);
    if (closing === undefined) return;
    this.#partitions.delete(partition);
    for (const [client, joining] of this.#joining)
      if (joining.partition === closing) this.#joining.delete(client);
    if (this.#partitions.size === 0) {
      this.#topics = new WantedTopics();
      this.#leaving = [];
    } else for (const sleeper of closing.sleepers.values()) this.#leaving.push(sleeper);
  }

  /** Does a part of the tidying up after partitions were closed. False: nothing is left. */
  tidy(): boolean {
    for (let left = AT_ONCE; left > 0 && this.#leaving.length > 0; left--)
      this.#topics.remove(this.#leaving.pop()!);
    return this.#leaving.length > 0;
  }

  /** A message of the log. */
  consider(feed: object, pos: number, tokens: string, size: number): void {
    const wanted = this.#topics.find(tokens);
    this.#recent.push(pos, wanted, size);
    if (wanted === undefined) return;
    const wishes = this.#topics.wishes(wanted);
    for (let i = 0; i < wishes.length; i++) {
      const wish = wishes[i]!;
      const { reading } = wish.sleeper.partition;
      if (reading.feed === feed && pos > reading.after) this.dropped += offer(wish, pos, size, this.#limits);
    }
  }

  /** The client is away (`known`: what a checkpoint at the beginning of the reading says). It is in the index after the next `settle`. */
  sleep(partition: number, client: string, sleep: Sleep, known?: KnownSleep): void {
    const at = this.#partitions.get(partition);
    if (at === undefined) return;
    const { cursor, filters } = sleep;
    const there = at.sleepers.get(client);
    if (there !== undefined) {
      const reachesBack = cursor >= there.from || this.#recent.floor >= there.from;
      if (reachesBack && sameFilters(there.filters, filters) && there.queue.advance(cursor)) {
        there.from = Math.max(there.from, cursor);
        there.taken = Math.max(there.taken, cursor);
        there.awakeMs = undefined;
        at.changed = true;
        return;
      }
      this.#remove(there);
    }
    this.#joining.delete(client);
    if (known !== undefined && known.queue.advance(cursor)) {
      const from = Math.max(known.from, cursor);
      const taken = Math.max(readUpTo(at), cursor);
      this.dropped += known.queue.trim(this.#limits);
      this.#add(createSleeper(client, at, filters, known.queue, from, taken));
    } else this.#joining.set(client, { partition: at, sleep });
  }

  /** The client is back: its door may ask for a while yet. */
  wake(partition: number, client: string, nowMs: number): void {
    if (this.#joining.has(client)) this.settle();
    const sleeper = this.#partitions.get(partition)?.sleepers.get(client);
    if (sleeper === undefined || sleeper.awakeMs !== undefined) return;
    sleeper.awakeMs = nowMs;
    sleeper.partition.changed = true;
  }

  forget(partition: number, client: string): void {
    this.#joining.delete(client);
    const sleeper = this.#partitions.get(partition)?.sleepers.get(client);
    if (sleeper !== undefined) this.#remove(sleeper);
  }

  /** Forgets the sessions whose clients came back before `beforeMs`. */
  forgetAwake(beforeMs: number): void {
    for (const { sleepers } of this.#partitions.values())
      for (const sleeper of sleepers.values())
        if (sleeper.awakeMs !== undefined && sleeper.awakeMs < beforeMs) this.#remove(sleeper);
  }

  /** Adds those that went to sleep, with what lies between their cursors and where the reading is. */
  settle(): void {
    if (this.#joining.size === 0) return;
    const behind = new FilterTrie<Wish>();
    const replayed: Sleeper[] = [];
    let lowest = Infinity;
    let highest = 0;
    for (const [client, { partition, sleep }] of this.#joining) {
      const here = readUpTo(partition);
      const from = Math.max(sleep.cursor, this.#recent.reach(here));
      const queue = new PositionQueue(this.#keep);
      const sleeper = createSleeper(client, partition, sleep.filters, queue, from, from);
      if (from < here) {
        sleep.filters.forEach(({ filter }, i) => behind.add(filter, sleeper.wishes[i]!));
        replayed.push(sleeper);
        lowest = Math.min(lowest, from);
        highest = Math.max(highest, here);
      } else this.#add(sleeper);
    }
    this.#joining.clear();
    const complete = behind.size === 0 || this.#replay(behind, lowest, highest);
    for (const sleeper of replayed) this.#add(complete ? sleeper : this.#fromNow(sleeper));
  }

  answer(partition: number, client: string, cursor: number, upTo: number): PositionAnswer {
    if (this.#joining.has(client)) this.settle();
    const sleeper = this.#partitions.get(partition)?.sleepers.get(client);
    if (sleeper === undefined) return { v: 1, from: 0, through: 0, positions: [] };
    const { queue, from } = sleeper;
    // Not above `upTo`: filters may have changed since the session woke, but they begin above where its door's feed was.
    const through = Math.min(upTo, readUpTo(sleeper.partition), queue.knownBelow - 1);
    const { dropped } = queue;
    return {
      v: 1,
      from,
      through,
      positions: queue.positions(cursor, through),
      ...(dropped.messages > 0 && dropped.pos > cursor ? { dropped } : {}),
    };
  }

  /** Sessions in the index, positions kept, and messages that wait, with their bytes. */
  totals(): { sessions: number; positions: number; messages: number; bytes: number } {
    const totals = { sessions: this.#joining.size, positions: 0, messages: 0, bytes: 0 };
    for (const { sleepers } of this.#partitions.values())
      for (const { queue, awakeMs } of sleepers.values()) {
        if (awakeMs === undefined) totals.sessions++;
        totals.positions += queue.kept;
        totals.messages += queue.messages;
        totals.bytes += queue.bytes;
      }
    return totals;
  }

  #add(sleeper: Sleeper): void {
    sleeper.partition.sleepers.set(sleeper.client, sleeper);
    sleeper.partition.changed = true;
    this.#topics.add(sleeper);
  }

  #remove(sleeper: Sleeper): void {
    sleeper.partition.sleepers.delete(sleeper.client);
    sleeper.partition.changed = true;
    this.#topics.remove(sleeper);
  }

  /** False: too much of it. */
  #replay(trie: FilterTrie<Wish>, above: number, through: number): boolean {
    const matches = new Map<WantedTopic, readonly Wish[]>();
    let left = MAX_REPLAYED;
    this.#recent.replay(above, through, (pos, wanted, size) => {
      let wishes = matches.get(wanted);
      if (wishes === undefined) {
        const found: Wish[] = [];
        trie.match(wanted.topic, (wish) => found.push(wish));
        matches.set(wanted, (wishes = found));
      }
      for (const wish of wishes) this.dropped += offer(wish, pos, size, this.#limits);
      left -= wishes.length;
      return left > 0;
    });
    return left > 0;
  }

  #fromNow({ client, partition, filters }: Sleeper): Sleeper {
    const here = readUpTo(partition);
    return createSleeper(client, partition, filters, new PositionQueue(this.#keep), here, here);
  }
}
