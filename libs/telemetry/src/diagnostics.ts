import type { DiagLogger } from '@opentelemetry/api';
import type { Logger } from './logger.ts';

const QUIET_MS = 60_000;
const MAX_CHARACTERS = 400;

/** Complaints of the SDK as warnings, the same kind at most once a minute: a collector may be away for long. */
export function createDiagnostics(logger: Pick<Logger, 'warn'>, now: () => number = Date.now): DiagLogger {
  const lastAt = new Map<string, number>();
  const complain = (message: unknown, ...details: unknown[]) => {
    const text = [message, ...details].map(String).join(' ').slice(0, MAX_CHARACTERS);
    const kind = text.slice(0, 40);
    const at = now();
    if (at - (lastAt.get(kind) ?? -QUIET_MS) < QUIET_MS) return;
    lastAt.set(kind, at);
    logger.warn({ component: 'opentelemetry' }, text);
  };
  const nothing = () => undefined;
  return { error: complain, warn: complain, info: nothing, debug: nothing, verbose: nothing };
}
