/** What the broker of the tests does wrong. Those of deliveries say: every so many times. */
export interface Misdeeds {
  /** Acknowledged, never delivered. */
  readonly loseEvery?: number;
  /** At QoS 2, delivered once more with another packet id. */
  readonly repeatEvery?: number;
  /** Delivered after its successor. */
  readonly swapEvery?: number;
  /** Delivered to somebody who did not ask for it. */
  readonly strayEvery?: number;
  readonly corruptEvery?: number;
  /** Delivered with the retain flag as if it were new to the subscriber. */
  readonly flagEvery?: number;
  /** QoS 2 delivered as QoS 1. */
  readonly downgradeEvery?: number;
  /** A connection ends after so many deliveries. */
  readonly cutEvery?: number;
  /** What was acknowledged in the last milliseconds before a kill of a door is gone. */
  readonly loseBeforeKill?: boolean;
  /** Packet ids of QoS 2 from publishers are forgotten when they reconnect, and every so many get no answer before. */
  readonly forgetsIncomingEvery?: number;
  /** What is sent again after a reconnect does not say so. */
  readonly hidesRepeats?: boolean;
  /** A packet id of QoS 2 is used again before its PUBREL. */
  readonly reusesIdsEvery?: number;
  /** The n-th publish of the first publisher gets no answer. */
  readonly silentAt?: number;
  /** The n-th publish is answered twice. */
  readonly answersTwiceAt?: number;
  /** At its n-th CONNECT a session loses its last filter, or everything. */
  readonly forgetsFilterAt?: number;
  readonly forgetsSessionAt?: number;
  readonly inventsSessions?: boolean;
  /** The n-th CONNECT of all is refused. */
  readonly refusesAt?: number;
  readonly grantsLess?: boolean;
  /** Connections whose client id was taken over stay. */
  readonly keepsFormer?: boolean;
  readonly wills?: 'never' | 'twice' | 'after DISCONNECT' | 'garbled';
  readonly willDelayMs?: number;
  /** Retained: only the first message of a topic is kept, or none. */
  readonly retained?: 'first' | 'none' | 'twice';
  /** A killed door never listens again. */
  readonly staysAway?: boolean;
}

export type Misdeed = keyof Misdeeds;

/** Decides and counts. */
export interface Conscience {
  readonly misdeeds: Misdeeds;
  readonly done: ReadonlyMap<Misdeed, number>;
  /** Client and payload of what was acknowledged and is gone, and of which no other copy was or is given. */
  readonly lost: ReadonlySet<string>;
  lose(client: string, payload: string): void;
  give(client: string, payload: string): void;
  /** Whether it is the turn of a misdeed that happens every so many times. */
  isTurn(misdeed: Misdeed): boolean;
  did(misdeed: Misdeed): void;
}

export function createConscience(misdeeds: Misdeeds): Conscience {
  const done = new Map<Misdeed, number>();
  const seen = new Map<Misdeed, number>();
  const lost = new Set<string>();
  /** How many copies are given or on their way. */
  const given = new Map<string, number>();
  const did = (misdeed: Misdeed): void => void done.set(misdeed, (done.get(misdeed) ?? 0) + 1);
  return {
    misdeeds,
    done,
    lost,
    lose(client, payload) {
      const key = `${client} ${payload}`;
      const copies = (given.get(key) ?? 0) - 1;
      given.set(key, copies);
      if (copies <= 0) lost.add(key);
    },
    give(client, payload) {
      const key = `${client} ${payload}`;
      given.set(key, (given.get(key) ?? 0) + 1);
      lost.delete(key);
    },
    did,
    isTurn(misdeed) {
      const every = misdeeds[misdeed];
      if (typeof every !== 'number') return false;
      const times = (seen.get(misdeed) ?? 0) + 1;
      seen.set(misdeed, times);
      if (times % every !== 0) return false;
      did(misdeed);
      return true;
    },
  };
}
