import { OTLPMetricExporter as GrpcExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { Environment } from './environment.ts';

const DEFAULT_INTERVAL_MS = 60_000;
const DEFAULT_TIMEOUT_MS = 30_000;

/** The OTLP reader as the specification's OTEL_METRIC_EXPORT_* and OTEL_EXPORTER_OTLP_(METRICS_)PROTOCOL set it. */
export function otlpMetricReader(env: Environment): PeriodicExportingMetricReader {
  const interval = milliseconds(env['OTEL_METRIC_EXPORT_INTERVAL'], DEFAULT_INTERVAL_MS);
  const timeout = milliseconds(env['OTEL_METRIC_EXPORT_TIMEOUT'], DEFAULT_TIMEOUT_MS);
  return new PeriodicExportingMetricReader({
    exporter: exporter(env['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL']),
    exportIntervalMillis: interval,
    exportTimeoutMillis: Math.min(timeout, interval),
  });
}

function exporter(protocol: string | undefined): GrpcExporter | JsonExporter | ProtobufExporter {
  switch (protocol?.trim()) {
    case 'grpc':
      return new GrpcExporter();
    case 'http/json':
      return new JsonExporter();
    default:
      return new ProtobufExporter();
  }
}

function milliseconds(text: string | undefined, otherwise: number): number {
  const value = Number(text);
  return text !== undefined && value > 0 ? value : otherwise;
}
