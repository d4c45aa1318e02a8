import type { LimitsConfig } from './config.ts';
import { createKeyedRates, type KeyedRates } from './keyed-rates.ts';
import { createPrincipalGate } from './principal-gate.ts';
import { TokenBucket } from './token-bucket.ts';

/** What one connection may take of a door: its place, and how fast its client publishes. */
export interface Quota {
  /** Something has to be counted. */
  readonly limited: boolean;
  /** Counts a message that has come. False: the next ones have to wait. */
  spend(bytes: number, nowMs: number): boolean;
  /** Whether the wait is over. */
  isReady(nowMs: number): boolean;
  /** The connection is over. Idempotent. */
  leave(): void;
}

/** The quotas of a door whose connections wait when they publish too much. */
export interface Quotas {
  /**
   * `principal` undefined: nobody in particular, who is limited by connection and source alone. `former`: of the connection that this one
   * takes over; its place is passed on. Undefined: its principal has as many as it may.
   */
  enter(principal: string | undefined, nowMs: number, former?: Quota): Quota | undefined;
  /** A turn of the caller's clock. */
  tick(nowMs: number): void;
}

export function createQuotas(limits: LimitsConfig): Quotas {
  const gate = createPrincipalGate({ max: limits.connectionsPerPrincipal });
  const perSecond = limits.messagesPerSecondPerPrincipal;
  const principals = perSecond === 0 ? undefined : createKeyedRates({ perSecond });
  return {
    enter(name, nowMs, former) {
      if (name === undefined) return new ConnectionQuota(limits, nowMs);
      const passedOn = former instanceof ConnectionQuota && former.passOn(name);
      if (!passedOn && !gate.enter(name)) return undefined;
      return new ConnectionQuota(limits, nowMs, { name, rates: principals, leave: () => gate.leave(name) });
    },
    tick: (nowMs) => principals?.tick(nowMs),
  };
}

interface Place {
  readonly name: string;
  readonly rates: KeyedRates | undefined;
  leave(): void;
}

class ConnectionQuota implements Quota {
  readonly #messages: TokenBucket | undefined;
  readonly #bytes: TokenBucket | undefined;
  readonly #rates: KeyedRates | undefined;
  readonly #name: string;
  readonly limited: boolean;
  #place: Place | undefined;
  #readyAt = 0;

  constructor({ messagesPerSecond, bytesPerSecond }: LimitsConfig, nowMs: number, place?: Place) {
    this.#messages = messagesPerSecond === 0 ? undefined : new TokenBucket(messagesPerSecond, nowMs);
    this.#bytes = bytesPerSecond === 0 ? undefined : new TokenBucket(bytesPerSecond, nowMs);
    this.#place = place;
    this.#rates = place?.rates;
    this.#name = place?.name ?? '';
    this.limited = [this.#messages, this.#bytes, this.#rates].some((one) => one !== undefined);
  }

  spend(bytes: number, nowMs: number): boolean {
    let waitMs = this.#messages?.spend(1, nowMs) ?? 0;
    if (this.#bytes !== undefined) waitMs = Math.max(waitMs, this.#bytes.spend(bytes, nowMs));
    if (this.#rates !== undefined) waitMs = Math.max(waitMs, this.#rates.spend(this.#name, 1, nowMs));
    this.#readyAt = nowMs + waitMs;
    return waitMs === 0;
  }

  isReady(nowMs: number): boolean {
    return nowMs >= this.#readyAt;
  }

  leave(): void {
    this.#place?.leave();
    this.#place = undefined;
  }

  passOn(name: string): boolean {
    if (this.#place?.name !== name) return false;
    this.#place = undefined;
    return true;
  }
}
