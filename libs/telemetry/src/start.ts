import { context, diag, DiagLogLevel, metrics, propagation, trace } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { exportedSignals, isDisabled, type Environment } from './environment.ts';
import { createDiagnostics } from './diagnostics.ts';
import type { Logger } from './logger.ts';
import { createMessageTracing, type MessageTracing } from './message-tracing.ts';
import { formatMetrics, type MetricsFormat } from './metrics-text.ts';
import { otlpMetricReader } from './otlp-metrics.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import { createSampler, samplerSettings } from './sampler.ts';

const FLUSH_TIMEOUT_MS = 3_000;

export interface TelemetryOptions {
  /** service.name, unless OTEL_SERVICE_NAME is set. */
  service: string;
  version: string;
  /** service.instance.id. */
  instance: string;
  env: Environment;
  /** Gets what the SDK has to complain about, such as an unreachable collector. */
  logger?: Pick<Logger, 'warn'>;
}

export interface Telemetry {
  /** Spans are recorded and exported; false without an OTLP endpoint. */
  readonly tracing: boolean;
  /** The spans of messages at a door (`mqtt`, `ws`, `http`, …). */
  messageTracing(door: string): MessageTracing;
  /** Every metric of the process now, as text; the default is Prometheus 0.0.4. */
  metricsText(format?: MetricsFormat): Promise<string>;
  /** Exports what is left, for `timeoutMs` (3,000) at most, and stops. Never rejects: what could not leave is logged as lost. Once: a second call waits for the first. */
  shutdown(options?: { timeoutMs?: number }): Promise<void>;
}

/**
 * Starts OpenTelemetry for this process: once, in `main.ts`, before anything asks the API for a meter or tracer. Metrics
 * are always collected for `metricsText`. Traces and OTLP metrics leave only when OTEL_EXPORTER_OTLP_ENDPOINT (or the one
 * of the signal) is set, by http/protobuf or as OTEL_EXPORTER_OTLP_PROTOCOL says; sampling is OTEL_TRACES_SAMPLER, by
 * default parentbased_always_on. The SDK's other OTEL_ settings are read from the process's own environment.
 */
export function startTelemetry({ service, version, instance, env, logger }: TelemetryOptions): Telemetry {
  if (logger !== undefined) {
    diag.setLogger(createDiagnostics(logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  }
  const disabled = isDisabled(env);
  const signals = exportedSignals(env);
  const sampling = samplerSettings(env);
  const prometheus = new PrometheusExporter({ preventServerStart: true });
  const serializer = new PrometheusSerializer('', false, undefined, false, true);
  const attributes = {
    'service.name': env['OTEL_SERVICE_NAME'] || service,
    'service.namespace': 'trivium',
    'service.version': version,
    'service.instance.id': instance,
  };
  const configuration: Partial<NodeSDKConfiguration> = {
    resourceDetectors: [{ detect: () => ({ attributes }) }],
    metricReaders: signals.metrics ? [prometheus, otlpMetricReader(env)] : [prometheus],
    logRecordProcessors: [],
    sampler: createSampler(sampling),
  };
  if (!signals.traces) configuration.spanProcessors = [];
  const sdk = new NodeSDK(configuration);
  sdk.start();
  const stopProcessMetrics = registerProcessMetrics();
  const tracer = signals.traces ? trace.getTracer('trivium', version) : undefined;

  let stopped: Promise<void> | undefined;
  const stop = async (timeoutMs: number) => {
    const flushed = await within(timeoutMs, sdk.shutdown());
    if (!flushed) logger?.warn({ timeoutMs }, 'not all telemetry could be exported');
    stopProcessMetrics();
    for (const api of [trace, metrics, context, propagation, diag]) api.disable();
  };

  return {
    tracing: signals.traces,
    messageTracing: (door) => createMessageTracing(door, tracer, sampling),
    async metricsText(format = 'prometheus') {
      if (disabled) return formatMetrics('', format);
      const { resourceMetrics, errors } = await prometheus.collect();
      for (const err of errors) logger?.warn({ err }, 'a metric could not be read');
      return formatMetrics(serializer.serialize(resourceMetrics), format);
    },
    shutdown({ timeoutMs = FLUSH_TIMEOUT_MS } = {}) {
      stopped ??= stop(timeoutMs);
      return stopped;
    },
  };
}

/** Whether the work succeeded in time. Never rejects. */
async function within(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, timeoutMs, false)));
  try {
    return await Promise.race([work.then(() => true), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
