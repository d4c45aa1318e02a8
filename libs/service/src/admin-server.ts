import { createServer, type Server, type ServerResponse } from 'node:http';
import { OPEN_METRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE, type MetricsFormat } from '@trivium/telemetry';
import type { ReadinessReport } from './readiness.ts';

export interface AdminServerOptions {
  readiness(): ReadinessReport;
  metricsText(format: MetricsFormat): Promise<string>;
}

/**
 * GET and HEAD of `/livez` (200 as long as the event loop turns), `/readyz` (200 when ready, else 503; JSON that names each
 * check) and `/metrics` (Prometheus text, OpenMetrics when the client accepts it). Not listening yet.
 */
export function createAdminServer({ readiness, metricsText }: AdminServerOptions): Server {
  return createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000 },
    (request, response) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('allow', 'GET, HEAD');
        return answer(response, 405, 'text/plain', 'only GET and HEAD\n');
      }
      switch (request.url?.split('?', 1)[0]) {
        case '/livez':
          return answer(response, 200, 'application/json', '{"status":"alive"}\n');
        case '/readyz': {
          const report = readiness();
          return answer(
            response,
            report.ready ? 200 : 503,
            'application/json',
            `${JSON.stringify(report)}\n`,
          );
        }
        case '/metrics': {
          const open = request.headers.accept?.includes('application/openmetrics-text') === true;
          metricsText(open ? 'openmetrics' : 'prometheus').then(
            (text) => answer(response, 200, open ? OPEN_METRICS_CONTENT_TYPE : PROMETHEUS_CONTENT_TYPE, text),
            () => answer(response, 500, 'text/plain', 'the metrics could not be read\n'),
          );
          return;
        }
        case undefined:
        default:
          return answer(response, 404, 'text/plain', 'there are /livez, /readyz and /metrics\n');
      }
    },
  );
}

function answer(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(body);
}
