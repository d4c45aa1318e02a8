import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitFor } from '@trivium/testing';
import { expect, it } from 'vitest';
import { connectMqtt } from './clients/mqtt-js.ts';
import { openTrivium } from './clients/trivium-ws.ts';
import { startHub } from './hub.ts';

interface Span {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  attributes: Map<string, unknown>;
}

/** An OTLP collector for HTTP with JSON: keeps every span it is sent. */
async function startCollector(): Promise<AsyncDisposable & { url: string; spans: Span[] }> {
  const spans: Span[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/v1/traces')
        spans.push(...readSpans(JSON.parse(Buffer.concat(chunks).toString())));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

type Attributes = { key: string; value: Record<string, unknown> }[];
interface Export {
  resourceSpans: {
    resource: { attributes: Attributes };
    scopeSpans: { spans: (Omit<Span, 'attributes' | 'service'> & { attributes?: Attributes })[] }[];
  }[];
}

function readSpans(body: unknown): Span[] {
  return (body as Export).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, traceId, spanId, parentSpanId, attributes = [] }) => ({
        service: String(plain(resource.attributes).get('service.name')),
        name,
        traceId,
        spanId,
        parentSpanId: parentSpanId ?? '',
        attributes: plain(attributes),
      })),
    ),
  );
}

const plain = (attributes: Attributes): Map<string, unknown> =>
  new Map(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

it('one trace spans the HTTP publish and its deliveries by MQTT and WebSocket', async () => {
  await using collector = await startCollector();
  await using hub = await startHub({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
  });
  const { host, mqtt, ws, http } = hub.addresses;
  const device = await connectMqtt(`mqtt://${host}:${mqtt}`);
  await device.subscribeAsync('traced/+', { qos: 1 });
  let arrived = 0;
  device.on('message', () => arrived++);
  await using browser = await openTrivium(`ws://${host}:${ws}/`);
  await browser.ask({ op: 'sub', filters: [{ filter: 'traced/#', qos: 1 }] });

  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const parent = '00f067aa0ba902b7';
  const answer = await fetch(`http://${host}:${http}/topics/traced/a?qos=1`, {
    method: 'POST',
    headers: { traceparent: `00-${traceId}-${parent}-01` },
    body: 'secret payload',
  });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ message: 'OK', traceId });
  await waitFor(() => arrived === 1 && browser.pushed.length === 1);

  const ofTrace = (): Span[] => collector.spans.filter((span) => span.traceId === traceId);
  const from = (service: string): Span[] => ofTrace().filter((span) => span.service.includes(service));
  const ids = () => new Set(ofTrace().map(({ spanId }) => spanId));
  /** A service sends its spans as they end, in portions: a parent may come after its child. */
  const isWhole = (): boolean =>
    ofTrace().every(({ parentSpanId }) => parentSpanId === parent || ids().has(parentSpanId));
  await waitFor(
    () =>
      ['mqtt-ingress', 'ws-ingress', 'http-ingress'].every((service) => from(service).length > 0) &&
      isWhole(),
    {
      timeoutMs: 45_000,
      message: () =>
        `spans of three services; came: ${JSON.stringify(collector.spans.map(({ service, name }) => [service, name]))}`,
    },
  );
  const roots = ofTrace().filter(({ parentSpanId }) => parentSpanId === parent);
  expect(roots.map(({ service }) => service)).toEqual([expect.stringContaining('http-ingress')]);
  for (const span of ofTrace())
    if (!roots.includes(span))
      expect(ids(), `${span.name} has its parent in the trace`).toContain(span.parentSpanId);
  // The receiver is told the delivery's span, not the publisher's: what it does next is a child of the delivery.
  const told =
    (browser.pushed[0]!['properties'] as { traceparent?: string } | undefined)?.traceparent ??
    browser.pushed[0]!['traceparent'];
  const delivery = from('ws-ingress').find(({ spanId }) => String(told).includes(spanId));
  expect(delivery, `${String(told)} names a span of ws-ingress`).toBeDefined();
  const attributes = JSON.stringify(ofTrace().map((span) => [...span.attributes]));
  expect(attributes).not.toContain('secret payload');
  await device.endAsync();
});
