/** What is counted and is no fault by itself. */
export interface Tally {
  deliveries: number;
  retainedDeliveries: number;
  /** Exchanges of QoS 2 that were begun again with the packet id that they had. */
  repeatedExchanges: number;
  connects: number;
  /** By why they ended. */
  readonly ends: Map<string, number>;
  /** Times of QoS 1 messages that came once more, milliseconds since the beginning. */
  readonly qos1Duplicates: number[];
  takeovers: number;
  freezes: number;
  subscribes: number;
  unsubscribes: number;
  wills: number;
  slowestWillMs: number;
}

export function createTally(): Tally {
  return {
    ...{ deliveries: 0, retainedDeliveries: 0, repeatedExchanges: 0, connects: 0, ends: new Map() },
    ...{ qos1Duplicates: [], takeovers: 0, freezes: 0, subscribes: 0, unsubscribes: 0, wills: 0 },
    slowestWillMs: 0,
  };
}

export function countEnd({ ends }: Tally, why: string): void {
  ends.set(why, (ends.get(why) ?? 0) + 1);
}
