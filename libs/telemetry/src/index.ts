export { createLogger, type Logger, type LoggerOptions } from './logger.ts';
export { isSecretName, redactSecrets } from './redaction.ts';
export { startTelemetry, type Telemetry, type TelemetryOptions } from './start.ts';
export { registerCounters, type CounterDescription, type Reading } from './counters.ts';
export { registerProcessMetrics } from './process-metrics.ts';
export { createMessageTracing, type MessageSpan, type MessageTracing } from './message-tracing.ts';
export { formatTraceparent, parseTraceparent } from './traceparent.ts';
export { OPEN_METRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE, type MetricsFormat } from './metrics-text.ts';
