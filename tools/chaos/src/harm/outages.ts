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
  /** Why a door may have ended a connection just now; undefined: it had no reason. */
  excuse(door: Part): string | undefined;
  /**
   * From when on a will can be expected: the latest of `fromMs`, the moments until `toMs` at which NATS or the router came
   * back, and those at which its door was harmed.
   */
  willClock(door: Part, fromMs: number, toMs: number): number;
}

/** The end of a connection may be seen this long after the end of its door. */
const SEEN_LATE_MS = 1_000;
/** A door that could not renew its lease lets its clients go, at the latest when it is over. */
const LEASE_LOST_MS = 15_000;

export function createOutages(now: () => number): Outages {
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
    excuse(door) {
      if (since(door, now() - SEEN_LATE_MS).length > 0) return `${door} was away`;
      if (since(door, now() - LEASE_LOST_MS).some(({ harm }) => harm === 'frozen'))
        return `${door} was frozen`;
      if (since('nats', now() - LEASE_LOST_MS).length > 0) return 'nats was away';
      return undefined;
    },
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
