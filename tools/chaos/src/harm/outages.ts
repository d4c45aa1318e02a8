/** A part of the hub that can be away: `door 0`, `door 1`, `observer`, `router`, `nats`. */
export type Part = `door ${number}` | 'observer' | 'router' | 'nats';
export type Harm = 'killed' | 'frozen';

interface Outage {
  readonly part: Part;
  readonly harm: Harm;
  readonly from: number;
  until: number | undefined;
}

/** What was away and when: the excuses that the hub has. Milliseconds of one clock. */
export interface Outages {
  begin(part: Part, harm: Harm): void;
  end(part: Part): void;
  isDown(part: Part): boolean;
  /** Whether the part was away at any time from `fromMs` until now. */
  wasDown(part: Part, fromMs: number): boolean;
  /** Why a door may have ended a connection since `sinceMs` (default: just now); undefined: it had no reason. */
  excuse(door: Part, sinceMs?: number): string | undefined;
  /** Whether the door was killed after `openedAt`: no connection from before lives on, however late its end is seen. */
  hasDied(door: Part, openedAt: number): boolean;
  /**
   * From when on a will can be expected: the latest of `fromMs`, the moments until `toMs` at which NATS or the router came
   * back, and those at which its door was harmed.
   */
  willClock(door: Part, fromMs: number, toMs: number): number;
}

/** The end of a connection may be seen this long after the end of its door. */
const SEEN_LATE_MS = 1_000;
/** `leaseMs`: so long after NATS, or the door itself, was away, a door may still let its clients go because its lease is lost. */
export function createOutages(now: () => number, leaseMs: number): Outages {
  const outages: Outage[] = [];
  const since = (part: Part, fromMs: number): Outage[] =>
    outages.filter((one) => one.part === part && (one.until ?? Infinity) >= fromMs);
  const open = (part: Part): Outage | undefined =>
    outages.find((one) => one.part === part && one.until === undefined);
  return {
    begin(part, harm) {
      outages.push({ part, harm, from: now(), until: undefined });
    },
    end(part) {
      const outage = open(part);
      if (outage !== undefined) outage.until = now();
    },
    isDown: (part) => open(part) !== undefined,
    wasDown: (part, fromMs) => since(part, fromMs).length > 0,
    excuse(door, sinceMs = now()) {
      if (since(door, sinceMs - SEEN_LATE_MS).length > 0) return `${door} was away`;
      const lost = sinceMs - leaseMs;
      if (since(door, lost).some(({ harm }) => harm === 'frozen')) return `${door} was frozen`;
      if (since('nats', lost).length > 0) return 'nats was away';
      return undefined;
    },
    hasDied: (door, openedAt) => since(door, openedAt).some(({ harm }) => harm === 'killed'),
    willClock(door, fromMs, toMs) {
      const during = outages.filter(({ from, until }) => from <= toMs && (until ?? toMs) >= fromMs);
      const times = during.map(({ part, from, until }) => {
        if (part === 'nats' || part === 'router') return Math.min(until ?? toMs, toMs);
        return part === door ? from : fromMs;
      });
      return Math.max(fromMs, ...times);
    },
  };
}
