import { Histogram, type HistogramData } from './histogram.ts';

/** What a generator process has counted. A delivery is one (message, subscriber) pair. */
export interface Counts {
  sent: number;
  acknowledged: number;
  expected: number;
  delivered: number;
  lost: number;
  duplicates: number;
  reordered: number;
  /** Not meant for this subscriber, or never sent. */
  misrouted: number;
  /** Payloads of the wrong size, acknowledgements of nothing, packets that make no sense. */
  malformed: number;
  stalls: number;
  lostConnections: number;
}

export interface LoadResult {
  counts: Counts;
  latency: HistogramData;
  /** Fixed rate: how much later than planned messages were sent. */
  lag: HistogramData;
}

/** Counters that every connection of a process adds to. */
export class Tally {
  delivered = 0;
  duplicates = 0;
  reordered = 0;
  misrouted = 0;
  malformed = 0;
  stalls = 0;
  lostConnections = 0;
  /** `performance.now()` of the read that is being handled. */
  now: number = performance.now();
  lastProgress: number = this.now;
  /** Latencies count only while this is set. */
  measuring = false;
  readonly latency = new Histogram();
  readonly lag = new Histogram();
}
