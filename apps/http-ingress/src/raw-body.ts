import type { FastifyRequest } from 'fastify';
import type { App } from './app.ts';

/**
 * The routes of this scope take every body as it is, as bytes. Its type is for whom it goes to (`request.bodyType`): no body is refused
 * for having one that is unknown, malformed or none.
 */
export function takeRawBodies(scope: App): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  scope.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request.raw;
    request.bodyType = headers['content-type'];
    delete headers['content-type'];
    done();
  });
}

/** The body of a request to such a route; empty when it has none. */
export function rawBody({ body }: Pick<FastifyRequest, 'body'>): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}
