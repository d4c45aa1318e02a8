import type { Bus } from '@trivium/bus';
import { TriviumError, type Result } from '@trivium/contracts';

/** What is written through: credentials and keys, and the audit of it. */
export type IdentityBus = Pick<Bus, 'bucket' | 'publisher'>;

/** Who changes something, for the audit. */
export interface Author {
  readonly principal: string;
  /** Where: `http-ingress`, `trivium`. */
  readonly service: string;
  readonly address?: string;
}

/** The value, or its refusal thrown. */
export function granted<T>(result: Result<T>): T {
  if (!result.ok) throw new TriviumError(result.error.code, result.error.message);
  return result.value;
}
