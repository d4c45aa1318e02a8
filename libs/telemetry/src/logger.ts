import { isSpanContextValid, trace } from '@opentelemetry/api';
import { pino, stdSerializers, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { redactSecrets, redactText } from './redaction.ts';

export type Logger = PinoLogger;

export interface LoggerOptions {
  service: string;
  /** trace, debug, info, warn, error, fatal or silent. */
  level?: string;
  /** Names this process among the copies of its service. */
  instance?: string;
  /** Where lines go instead of standard output. */
  destination?: DestinationStream;
}

/**
 * JSON lines: level, time (ISO 8601), service, instance, msg, the fields given, and trace_id and span_id when a span is active.
 * Written synchronously, so that the last line before an exit is not lost. Secrets print as `***` (`redactSecrets`).
 */
export function createLogger({ service, level = 'info', instance, destination }: LoggerOptions): Logger {
  const base = instance === undefined ? { service } : { service, instance };
  return pino(
    {
      level,
      base,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redactSecrets(fields) as Record<string, unknown>,
      },
      serializers: { err: serializeError, error: serializeError },
      redact: { paths: ['password', 'token', 'authorization', 'secret'], censor: '***' },
      mixin: activeTraceIds,
    },
    destination ?? process.stdout,
  );
}

function activeTraceIds(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined || !isSpanContextValid(span)) return {};
  return { trace_id: span.traceId, span_id: span.spanId };
}

function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return redactSecrets(error);
  const { aggregateErrors: _, ...fields } = stdSerializers.err(error);
  const copy = redactSecrets({ ...fields }) as Record<string, unknown>;
  copy['message'] = redactText(error.message);
  return copy;
}
