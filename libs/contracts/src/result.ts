import type { ErrorCode } from './errors.ts';

/** An expected refusal as a value: what was wrong, in words that may be shown to whoever asked. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  /** When a repeat makes sense, in milliseconds from now. */
  readonly retryAfterMs?: number;
}

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Refusal };

export function accept<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function refuse(
  code: ErrorCode,
  message: string,
  retryAfterMs?: number,
): { readonly ok: false; readonly error: Refusal } {
  return { ok: false, error: { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } };
}
