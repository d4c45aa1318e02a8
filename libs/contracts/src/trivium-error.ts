import { ERRORS, isErrorCode } from './errors.ts';
import type { ErrorCategory, ErrorCode } from './errors.ts';
import type { Refusal } from './result.ts';

export interface TriviumErrorOptions {
  /** When a repeat makes sense, in milliseconds from now. */
  retryAfterMs?: number;
  /** JSON pointer to what is wrong in the payload. */
  path?: string;
  cause?: unknown;
}

/** V8 keeps the number of captured frames here; other engines ignore it. */
const frames = Error as { stackTraceLimit?: number };

/** A failure with a code from the table. Recognise it by `code`. Only defects capture a stack: refusals are part of normal work. */
export class TriviumError extends Error {
  readonly code: ErrorCode;
  readonly category: ErrorCategory;
  readonly retryAfterMs: number | undefined;
  readonly path: string | undefined;

  constructor(code: ErrorCode, message?: string, options: TriviumErrorOptions = {}) {
    const limit = frames.stackTraceLimit;
    const category: ErrorCategory = ERRORS[code].category;
    if (category !== 'defect') frames.stackTraceLimit = 0;
    super(message ?? ERRORS[code].summary, 'cause' in options ? { cause: options.cause } : undefined);
    if (category !== 'defect' && limit !== undefined) frames.stackTraceLimit = limit;
    this.name = 'TriviumError';
    this.code = code;
    this.category = category;
    this.retryAfterMs = options.retryAfterMs;
    this.path = options.path;
  }
}

/** The code of anything thrown; what carries none from the table is a `defect`. */
export function errorCode(error: unknown): ErrorCode {
  if (typeof error !== 'object' || error === null || !('code' in error)) return 'defect';
  return isErrorCode(error.code) ? error.code : 'defect';
}

export interface PublicError extends Refusal {
  readonly retryAfterMs?: number;
  readonly path?: string;
}

/** What a client may be told of anything thrown or refused: no message of a code that is not public, never a stack. */
export function publicError(error: unknown): PublicError {
  const code = errorCode(error);
  if (!ERRORS[code].public) return { code: 'defect', message: ERRORS.defect.summary };
  const { message, retryAfterMs, path } = error as {
    message?: unknown;
    retryAfterMs?: unknown;
    path?: unknown;
  };
  return {
    code,
    message: typeof message === 'string' ? message : ERRORS[code].summary,
    ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}),
    // Of a `TriviumError`: a system error's path is one of this machine.
    ...(error instanceof TriviumError && typeof path === 'string' ? { path } : {}),
  };
}
