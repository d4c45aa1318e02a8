import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { registerCounters } from './counters.ts';
import { parseTraceparent } from './traceparent.ts';
import { startTelemetry, type Telemetry } from './start.ts';

interface OtlpSpan {
  service: string;
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes: Record<string, unknown>;
  status?: { code?: number };
}

type KeyValue = { key: string; value: Record<string, unknown> };

/** A collector that speaks OTLP/HTTP in its JSON form. */
async function startCollector() {
  const spans: OtlpSpan[] = [];
  const metricNames = new Set<string>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const message = JSON.parse(body) as Record<string, never[]>;
      if (request.url === '/v1/traces') spans.push(...readSpans(message));
      if (request.url === '/v1/metrics') for (const name of readMetricNames(message)) metricNames.add(name);
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    metricNames,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function readSpans(message: Record<string, unknown>): OtlpSpan[] {
  type Scope = { spans: (Omit<OtlpSpan, 'service' | 'attributes'> & { attributes: KeyValue[] })[] };
  const resources = message['resourceSpans'] as {
    resource: { attributes: KeyValue[] };
    scopeSpans: Scope[];
  }[];
  return resources.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        ...span,
        service: String(plain(resource.attributes)['service.name']),
        attributes: plain(span.attributes),
      })),
    ),
  );
}

function readMetricNames(message: Record<string, unknown>): string[] {
  const resources = message['resourceMetrics'] as { scopeMetrics: { metrics: { name: string }[] }[] }[];
  return resources.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) => metrics.map(({ name }) => name)),
  );
}

function plain(attributes: KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

describe('OTLP', () => {
  let telemetry: Telemetry | undefined;
  afterEach(async () => {
    await telemetry?.shutdown({ timeoutMs: 100 });
    vi.unstubAllEnvs();
  });

  function start(service: string, settings: Record<string, string>) {
    for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
    telemetry = startTelemetry({ service, version: '0.1.0', instance: 'i1', env: process.env });
    return telemetry;
  }
  const to = (endpoint: string) => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  });

  it('one trace spans the client, receive at one door, publish on the bus and delivery at another', async () => {
    await using collector = await startCollector();
    const client = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

    const http = start('http-ingress', to(collector.endpoint));
    const received = http.messageTracing('http').receive('plant/1/temp', 1, 'sender', client, 'vendor=1');
    received?.end();
    await http.shutdown();

    const mqtt = start('mqtt-ingress', to(collector.endpoint));
    const delivered = mqtt
      .messageTracing('mqtt')
      .deliver(received?.traceparent, 'plant/1/temp', 1, 'dev-7', received?.tracestate);
    delivered?.end();
    await mqtt.shutdown();

    expect(collector.spans.map(({ service, name }) => `${service}: ${name}`).sort()).toEqual([
      'http-ingress: publish bus',
      'http-ingress: receive http',
      'mqtt-ingress: deliver mqtt',
    ]);
    const named = (name: string) => collector.spans.find((span) => span.name === name);
    const [receive, publish, deliver] = [named('receive http'), named('publish bus'), named('deliver mqtt')];
    expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(
      new Set(['0af7651916cd43dd8448eb211c80319c']),
    );
    expect(receive?.parentSpanId).toBe('b7ad6b7169203331');
    expect(publish?.parentSpanId).toBe(receive?.spanId);
    expect(deliver?.parentSpanId).toBe(publish?.spanId);
    expect(
      parseTraceparent(delivered?.traceparent ?? '')?.spanId,
      'the receiver is told the delivery span',
    ).toBe(deliver?.spanId);
    expect(delivered?.tracestate).toBe('vendor=1');
    expect(received?.traceId).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(receive?.attributes).toMatchObject({
      'messaging.system': 'trivium',
      'messaging.operation.type': 'receive',
      'messaging.destination.name': 'plant/1/temp',
      'messaging.client.id': 'sender',
    });
  });

  it('begins a trace at the door when the client sends none or a malformed one', async () => {
    await using collector = await startCollector();
    const tracing = start('mqtt-ingress', to(collector.endpoint)).messageTracing('mqtt');
    tracing.receive('a', 0, undefined)?.end();
    tracing.receive('b', 0, undefined, 'not a traceparent', '=,=')?.end();
    await telemetry?.shutdown();
    const roots = collector.spans.filter(({ name }) => name === 'receive mqtt');
    expect(roots).toHaveLength(2);
    for (const root of roots) expect(root.parentSpanId ?? '').toBe('');
  });

  it('marks a step that failed with its code, and cuts long topics', async () => {
    await using collector = await startCollector();
    const tracing = start('mqtt-ingress', to(collector.endpoint)).messageTracing('mqtt');
    tracing.receive('t/'.repeat(5_000), 1, undefined)?.end('bus.timeout');
    await telemetry?.shutdown();
    expect(collector.spans).toHaveLength(2);
    for (const span of collector.spans) {
      expect(span.status?.code).toBe(2);
      expect(span.attributes['error.type']).toBe('bus.timeout');
      expect(String(span.attributes['messaging.destination.name'])).toHaveLength(256);
    }
  });

  it('records nothing of a message whose sender says that it is not sampled', () => {
    const tracing = start('mqtt-ingress', to('http://127.0.0.1:9')).messageTracing('mqtt');
    const unsampled = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
    expect(tracing.receive('a', 0, undefined, unsampled)).toBeUndefined();
    expect(tracing.deliver(unsampled, 'a', 0, undefined)).toBeUndefined();
    expect(tracing.deliver(undefined, 'a', 0, undefined)).toBeUndefined();
  });

  it('samples the share that OTEL_TRACES_SAMPLER_ARG says, parents excepted', () => {
    const sampler = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' };
    const tracing = start('mqtt-ingress', { ...to('http://127.0.0.1:9'), ...sampler }).messageTracing('mqtt');
    let sampled = 0;
    for (let i = 0; i < 5_000; i += 1) if (tracing.receive('a', 0, undefined) !== undefined) sampled += 1;
    expect(sampled).toBeGreaterThan(300);
    expect(sampled).toBeLessThan(800);
    expect(
      tracing.receive('a', 0, undefined, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
    ).toBeDefined();
  });

  it('exports metrics too', async () => {
    await using collector = await startCollector();
    start('mqtt-ingress', to(collector.endpoint));
    registerCounters('trivium.test', () => ({ 'trivium.test.things': 5 }), {
      'trivium.test.things': 'Things',
    });
    await telemetry?.shutdown();
    expect(collector.metricNames).toContain('trivium.test.things');
    expect(collector.metricNames).toContain('process.uptime');
  });

  it('without an endpoint records nothing and gives no trace context', async () => {
    const { tracing, messageTracing } = start('mqtt-ingress', {});
    expect(tracing).toBe(false);
    const door = messageTracing('mqtt');
    expect(door.enabled).toBe(false);
    expect(
      door.receive('a', 1, 'c', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
    ).toBeUndefined();
    expect(
      door.deliver('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'a', 1, 'c'),
    ).toBeUndefined();
    await telemetry?.shutdown();
  });

  it('speaks http/protobuf unless told otherwise', async () => {
    const requests: string[] = [];
    const server = createServer((request, response) => {
      requests.push(`${request.url} ${request.headers['content-type']}`);
      request.resume().on('end', () => response.end());
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    start('mqtt-ingress', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
      .messageTracing('mqtt')
      .receive('a', 0, undefined)
      ?.end();
    await telemetry?.shutdown();
    expect(requests.sort()).toEqual([
      '/v1/metrics application/x-protobuf',
      '/v1/traces application/x-protobuf',
    ]);
    server.closeAllConnections();
    server.close();
  });

  it('a collector that never answers does not hold the shutdown up', async () => {
    const server = createServer(() => undefined);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const warnings: string[] = [];
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const logger = { warn: (_: unknown, text: string) => void warnings.push(text) } as never;
    telemetry = startTelemetry({ service: 's', version: '1', instance: 'i', env: process.env, logger });
    telemetry.messageTracing('mqtt').receive('a', 0, undefined)?.end();
    const began = performance.now();
    await telemetry.shutdown({ timeoutMs: 100 });
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(warnings).toContain('not all telemetry could be exported');
    server.closeAllConnections();
    server.close();
  });
});
