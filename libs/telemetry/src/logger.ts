import { isSpanContextValid, trace } from '@opentelemetry/api';
import { destination as fileDescriptor, pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { redactSecrets, redactText } from './redaction.ts';

export type Logger = PinoLogger;

export interface LoggerOptions {
  service: string;
  /** trace, debug, info, warn, error, fatal or silent. Default info. */
  level?: string;
  /** Names this process among the copies of its service. */
  instance?: string;
  /** Where lines go instead of standard output. */
  destination?: DestinationStream;
}

const STANDARD_OUTPUT = 1;

/**
 * JSON lines: level, time (ISO 8601), service, instance, msg, the fields given, and trace_id and span_id when a span is active.
 * Written synchronously, so that the last line before an exit is not lost; when the reader has gone, lines go nowhere and
 * the process lives on. Secrets print as `***`: by name in fields and bindings, in URLs anywhere in the line.
 */
export function createLogger({ service, level = 'info', instance, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: instance === undefined ? { service } : { service, instance },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redactSecrets(fields) as Record<string, unknown>,
      },
      serializers: { err: (fields: unknown) => fields },
      // For the bindings of child loggers, which no formatter sees.
      redact: {
        paths: ['password', 'token', 'authorization', 'secret', 'credentials', 'jwt'],
        censor: '***',
      },
      hooks: { streamWrite: redactText },
      mixin: activeTraceIds,
    },
    destination ?? fileDescriptor({ dest: STANDARD_OUTPUT, sync: true }),
  );
}

function activeTraceIds(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined || !isSpanContextValid(span)) return {};
  return { trace_id: span.traceId, span_id: span.spanId };
}
