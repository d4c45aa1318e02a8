import type { LimitsConfig } from './config.ts';
import { createKeyedRates } from './keyed-rates.ts';
import { sourceOf } from './source-of.ts';

/** Why a connection is not let in. */
export interface SourceRefusal {
  readonly limit: 'connectionsPerSource' | 'connectsPerSecondPerSource';
  /** When it may be tried again; of open connections nobody knows. */
  readonly retryAfterMs: number;
}

/** How many connections each address has here, and how fast it makes new ones. */
export interface SourceGate {
  /** Undefined: it is let in, and must `leave` once. A refused one is not counted. */
  enter(address: string, nowMs: number): SourceRefusal | undefined;
  leave(address: string): void;
  /** A turn of the caller's clock. */
  tick(nowMs: number): void;
}

const BURST_SECONDS = 5;
const RETRY_OPEN_MS = 5_000;

/** What is kept grows with the connections that are open, and is bounded for those that are gone. */
export function createSourceGate({
  connectionsPerSource,
  connectsPerSecondPerSource,
}: Pick<LimitsConfig, 'connectionsPerSource' | 'connectsPerSecondPerSource'>): SourceGate {
  const open = new Map<string, number>();
  const rates =
    connectsPerSecondPerSource === 0
      ? undefined
      : createKeyedRates({
          perSecond: connectsPerSecondPerSource,
          burst: connectsPerSecondPerSource * BURST_SECONDS,
        });

  return {
    enter(address, nowMs) {
      const source = sourceOf(address);
      const before = open.get(source) ?? 0;
      if (connectionsPerSource > 0 && before >= connectionsPerSource)
        return { limit: 'connectionsPerSource', retryAfterMs: RETRY_OPEN_MS };
      const waitMs = rates?.take(source, 1, nowMs) ?? 0;
      if (waitMs > 0) return { limit: 'connectsPerSecondPerSource', retryAfterMs: waitMs };
      open.set(source, before + 1);
      return undefined;
    },
    leave(address) {
      const source = sourceOf(address);
      const before = open.get(source) ?? 0;
      if (before <= 1) open.delete(source);
      else open.set(source, before - 1);
    },
    tick: (nowMs) => rates?.tick(nowMs),
  };
}
