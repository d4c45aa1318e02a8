import type { App } from './app.ts';

const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, DELETE';
const ALLOWED_HEADERS =
  'authorization, content-type, idempotency-key, last-event-id, traceparent, tracestate, x-client-id, x-request-id';
const EXPOSED_HEADERS = 'allow, location, retry-after, x-request-id, x-trivium-pos';
/** Browsers ask again after this. */
const MAX_AGE_SECONDS = 600;

/** Lets web pages of these origins call from a browser (Fetch standard, CORS); `*`: all. Without any, browsers keep pages out. */
export function allowOrigins(app: App, origins: readonly string[]): void {
  if (origins.length === 0) return;
  const any = origins.includes('*');
  app.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers;
    if (!any) reply.header('vary', 'Origin');
    if (origin === undefined || !(any || origins.includes(origin))) return done();
    reply.header('access-control-allow-origin', any ? '*' : origin);
    reply.header('access-control-expose-headers', EXPOSED_HEADERS);
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
      return done();
    reply.header('access-control-allow-methods', ALLOWED_METHODS);
    reply.header('access-control-allow-headers', ALLOWED_HEADERS);
    reply.header('access-control-max-age', MAX_AGE_SECONDS);
    void reply.code(204).send();
  });
}
