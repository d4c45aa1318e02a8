/** Environment variables as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** OTEL_SDK_DISABLED: no spans and no metrics, not even at `/metrics`. */
export function isDisabled(env: Environment): boolean {
  return env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true';
}

/** What leaves the process: only a signal whose OTLP endpoint is set. */
export function exportedSignals(env: Environment): { traces: boolean; metrics: boolean } {
  if (isDisabled(env)) return { traces: false, metrics: false };
  const common = isSet(env['OTEL_EXPORTER_OTLP_ENDPOINT']);
  return {
    traces:
      (common || isSet(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'])) && env['OTEL_TRACES_EXPORTER'] !== 'none',
    metrics:
      (common || isSet(env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT'])) &&
      env['OTEL_METRICS_EXPORTER'] !== 'none',
  };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== '';
}
