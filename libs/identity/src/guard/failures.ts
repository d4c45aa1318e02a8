export interface FailuresOptions {
  /** Failures that cost nothing. */
  free: number;
  /** After them tries have to be so far apart at first, and twice as far with each more, up to `mostApartMs`. */
  apartMs: number;
  mostApartMs: number;
  /** Names or addresses that are remembered; the one that failed longest ago goes. */
  most: number;
}

/** Failures by name or by address, forgotten one by one. Times are milliseconds. */
export interface Failures {
  /** When the next try may be, from now. */
  waitMs(key: string, now: number): number;
  /** A try will be made at that time: the next one has to be later. */
  book(key: string, at: number, now: number): void;
  add(key: string, now: number): void;
  /** It was none after all. */
  takeBack(key: string, now: number): void;
}

interface Tally {
  count: number;
  /** Up to when failures were forgotten. */
  at: number;
  next: number;
}

const FORGET_MS = 30_000;
/** More are not counted: who stops is forgotten within ten minutes. */
const MOST_COUNTED = 20;

export function createFailures({ free, apartMs, mostApartMs, most }: FailuresOptions): Failures {
  const tallies = new Map<string, Tally>();

  const current = (key: string, now: number): Tally | undefined => {
    const tally = tallies.get(key);
    if (tally === undefined) return undefined;
    const forgotten = Math.floor((now - tally.at) / FORGET_MS);
    if (forgotten > 0) {
      tally.count -= forgotten;
      tally.at += forgotten * FORGET_MS;
    }
    if (tally.count > 0) return tally;
    tallies.delete(key);
    return undefined;
  };

  const apart = ({ count }: Tally): number =>
    count <= free ? 0 : Math.min(mostApartMs, apartMs * 2 ** (count - free - 1));

  const later = (tally: Tally, from: number): void => {
    const ms = apart(tally);
    if (ms > 0) tally.next = Math.max(tally.next, from) + ms;
  };

  return {
    waitMs(key, now) {
      const tally = current(key, now);
      return tally === undefined ? 0 : Math.max(0, tally.next - now);
    },
    book(key, at, now) {
      const tally = current(key, now);
      if (tally !== undefined) later(tally, at);
    },
    add(key, now) {
      const tally = current(key, now) ?? { count: 0, at: now, next: 0 };
      tally.count = Math.min(free + MOST_COUNTED, tally.count + 1);
      // The first one that costs something: the others are booked.
      if (tally.count === free + 1) later(tally, now);
      tallies.delete(key);
      if (tallies.size >= most) tallies.delete(tallies.keys().next().value!);
      tallies.set(key, tally);
    },
    takeBack(key, now) {
      const tally = current(key, now);
      if (tally !== undefined && --tally.count <= 0) tallies.delete(key);
    },
  };
}
