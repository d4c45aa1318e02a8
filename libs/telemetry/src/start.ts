import { context, diag, DiagLogLevel, metrics, propagation, trace } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { exportedSignals, type Environment } from './environment.ts';
import type { Logger } from './logger.ts';
import { createMessageTracing, type MessageTracing } from './message-tracing.ts';
import { toOpenMetrics, type MetricsFormat } from './metrics-text.ts';
import { otlpMetricReader } from './otlp-metrics.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import { createSampler, samplerSettings } from './sampler.ts';

export interface TelemetryOptions {
  /** service.name, unless OTEL_SERVICE_NAME is set. */
  service: string;
  version: string;
  /** service.instance.id. */
  instance: string;
  env: Environment;
  /** Gets what the SDK has to complain about, such as an unreachable collector. */
  logger?: Pick<Logger, 'warn' | 'error'>;
}

export interface Telemetry {
  /** Spans are recorded and exported; false without an OTLP endpoint. */
  readonly tracing: boolean;
  /** The spans of messages at a door (`mqtt`, `ws`, `http`, …). */
  messageTracing(door: string): MessageTracing;
  /** Every metric of the process now, as text; the default is Prometheus 0.0.4. */
  metricsText(format?: MetricsFormat): Promise<string>;
  /** Exports what is left and stops; never rejects. Bounded by the exporters' own time limits. */
  shutdown(): Promise<void>;
}

/**
 * Starts OpenTelemetry for this process: once, in `main.ts`, before anything asks the API for a meter or tracer. Metrics
 * are always collected for `metricsText`. Traces and OTLP metrics leave only when OTEL_EXPORTER_OTLP_ENDPOINT (or the one
 * of the signal) is set, by http/protobuf or as OTEL_EXPORTER_OTLP_PROTOCOL says; sampling is OTEL_TRACES_SAMPLER, by
 * default parentbased_always_on. The SDK's other OTEL_ settings are read from the process's own environment.
 */
export function startTelemetry({ service, version, instance, env, logger }: TelemetryOptions): Telemetry {
  if (logger !== undefined)
    diag.setLogger(diagnostics(logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const signals = exportedSignals(env);
  const sampling = samplerSettings(env);
  const prometheus = new PrometheusExporter({ preventServerStart: true });
  const serializer = new PrometheusSerializer('', false, undefined, false, true);
  const configuration: Partial<NodeSDKConfiguration> = {
    autoDetectResources: true,
    resourceDetectors: [
      {
        detect: () => ({
          attributes: {
            'service.name': env['OTEL_SERVICE_NAME'] ?? service,
            'service.version': version,
            'service.instance.id': instance,
          },
        }),
      },
    ],
    metricReaders: signals.metrics ? [prometheus, otlpMetricReader(env)] : [prometheus],
    logRecordProcessors: [],
    sampler: createSampler(sampling),
  };
  if (!signals.traces) configuration.spanProcessors = [];
  const sdk = new NodeSDK(configuration);
  sdk.start();
  const stopProcessMetrics = registerProcessMetrics();
  const tracer = signals.traces ? trace.getTracer('trivium', version) : undefined;

  return {
    tracing: signals.traces,
    messageTracing: (door) => createMessageTracing(door, tracer, sampling),
    async metricsText(format = 'prometheus') {
      const { resourceMetrics, errors } = await prometheus.collect();
      for (const error of errors) logger?.warn({ err: error }, 'a metric could not be read');
      const text = serializer.serialize(resourceMetrics);
      return format === 'openmetrics' ? toOpenMetrics(text) : `${text.trimEnd()}\n`;
    },
    async shutdown() {
      stopProcessMetrics();
      try {
        await sdk.shutdown();
      } catch (error) {
        logger?.warn({ err: error }, 'telemetry could not be flushed');
      }
      trace.disable();
      metrics.disable();
      context.disable();
      propagation.disable();
      diag.disable();
    },
  };
}

function diagnostics(logger: Pick<Logger, 'warn' | 'error'>) {
  return {
    error: (message: string) => logger.warn({ component: 'opentelemetry' }, message),
    warn: (message: string) => logger.warn({ component: 'opentelemetry' }, message),
    info: () => undefined,
    debug: () => undefined,
    verbose: () => undefined,
  };
}
