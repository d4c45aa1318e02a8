import { metrics } from '@opentelemetry/api';
import { errors } from '@nats-io/nats-core';
import type { BusStats } from './bus.ts';
import type { Logger } from './config.ts';

/** At most one line a second: a publish that NATS refuses may be one of many thousands. */
const QUIET_MS = 1_000;

/** What NATS does not let this service do. That is a defect of its permissions, or of the service: never to be missed. */
export interface Violations {
  /** False for errors of another kind. */
  take(error: unknown, lane: string): boolean;
}

export function createViolations(
  stats: BusStats,
  logger: Logger,
  now: () => number = () => performance.now(),
): Violations {
  let quietUntil = 0;
  metrics
    .getMeter('trivium.bus')
    .createObservableCounter('trivium.bus.permission.violations', {
      description: 'What NATS did not let this service do',
    })
    .addCallback((result) => result.observe(stats.permissionViolations));
  return {
    take(error, lane) {
      if (!(error instanceof errors.PermissionViolationError)) return false;
      stats.permissionViolations++;
      if (now() < quietUntil) return true;
      quietUntil = now() + QUIET_MS;
      const { operation, subject } = error;
      logger.error(
        { lane, operation, subject, violations: stats.permissionViolations },
        `NATS does not let this service ${operation === 'publish' ? 'publish to' : 'subscribe to'} ${subject}`,
      );
      return true;
    },
  };
}
