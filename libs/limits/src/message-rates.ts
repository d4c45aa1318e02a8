import type { LimitsConfig } from './config.ts';
import { createKeyedRates, type KeyedRates } from './keyed-rates.ts';

/** Who publishes: a connection, or who counts as one, and the principal that it belongs to. */
export interface Publisher {
  readonly connection: string;
  readonly principal: string;
}

/** How much connections and principals publish, for doors that refuse what is too much. */
export interface MessageRates {
  /** Counts a message and returns 0, or returns the milliseconds after which it may be tried again. */
  take(from: Publisher, bytes: number, nowMs: number): number;
  /** A turn of the caller's clock. */
  tick(nowMs: number): void;
}

/** Undefined: nothing is limited. */
export function createMessageRates(
  limits: Pick<LimitsConfig, 'messagesPerSecond' | 'bytesPerSecond' | 'messagesPerSecondPerPrincipal'>,
): MessageRates | undefined {
  const ratesOf = (perSecond: number): KeyedRates | undefined =>
    perSecond === 0 ? undefined : createKeyedRates({ perSecond });
  const messages = ratesOf(limits.messagesPerSecond);
  const bytes = ratesOf(limits.bytesPerSecond);
  const ofPrincipals = ratesOf(limits.messagesPerSecondPerPrincipal);
  if (messages === undefined && bytes === undefined && ofPrincipals === undefined) return undefined;

  return {
    take({ connection, principal }, size, nowMs) {
      const waitMs = messages?.take(connection, 1, nowMs) || bytes?.take(connection, size, nowMs) || 0;
      // A refused message costs its connection what it has taken there, and never the others of its principal.
      return waitMs || ofPrincipals?.take(principal, 1, nowMs) || 0;
    },
    tick(nowMs) {
      messages?.tick(nowMs);
      bytes?.tick(nowMs);
      ofPrincipals?.tick(nowMs);
    },
  };
}
